package runners

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Guard is a small process beside the harness that ends the servers should
// the harness be killed before it can. It learns of that by its standard
// input coming to an end, which no way of dying can prevent.
type Guard struct {
	mu  sync.Mutex
	cmd *exec.Cmd
	in  io.WriteCloser
}

// StartGuard starts the guard: argv must lead to a call of GuardMain.
func StartGuard(argv ...string) (*Guard, error) {
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // must outlive everything
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start guard: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start guard: %w", err)
	}
	return &Guard{cmd: cmd, in: in}, nil
}

func (g *Guard) add(pid int)    { g.tell('+', pid) }
func (g *Guard) remove(pid int) { g.tell('-', pid) }

func (g *Guard) tell(sign byte, pid int) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	_, _ = fmt.Fprintf(g.in, "%c%d\n", sign, pid) // a guard that is gone is no reason to stop measuring
}

// Close ends the guard; it ends what it still knows of.
func (g *Guard) Close() error {
	if g == nil {
		return nil
	}
	_ = g.in.Close()
	return g.cmd.Wait()
}

// GuardMain is the guard's whole life: read which process groups run, and
// when the input ends, end those that are left.
func GuardMain(in io.Reader) {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	groups := map[int]bool{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		pid, err := strconv.Atoi(lines.Text()[min(1, len(lines.Text())):])
		if err != nil || pid <= 1 {
			continue
		}
		if lines.Text()[0] == '+' {
			groups[pid] = true
		} else {
			delete(groups, pid)
		}
	}
	for pid := range groups {
		_ = syscall.Kill(-pid, syscall.SIGTERM)
	}
	for range 20 { // 2 s of grace
		left := false
		for pid := range groups {
			left = left || groupRuns(pid)
		}
		if !left {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	for pid := range groups {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}
