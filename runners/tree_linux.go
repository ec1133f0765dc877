package runners

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/record"
)

// leaderAttributes are those of a process under a guard, which ends with it.
func leaderAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// adoptOrphans makes this process the parent of every process below it whose own
// parent ends, so that a daemon cannot leave its tree.
func adoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopt orphans: %w", err)
	}
	return nil
}

// killBelow kills every process below this one. It is false if there was none.
func killBelow(int) (left bool) {
	_, below, _ := tree(os.Getpid())
	below = slices.DeleteFunc(below, zombie)
	for _, st := range below {
		_ = syscall.Kill(st.PID, syscall.SIGKILL)
	}
	return len(below) > 0
}

// killStrays kills what has become a child of this process because its guard was
// killed: every child that is no guard. One look is not enough: what forks and
// ends all the time may escape it.
func killStrays(guards map[int]bool) {
	for end, quiet := time.Now().Add(killTime), 0; quiet < 3 && time.Now().Before(end); quiet++ {
		_, below, err := tree(os.Getpid())
		strays := slices.DeleteFunc(below, func(st procfs.ProcStat) bool { return st.PPID != os.Getpid() || guards[st.PID] })
		if err != nil {
			return
		}
		for _, st := range strays {
			_ = syscall.Kill(st.PID, syscall.SIGKILL)
			if pid, err := syscall.Wait4(st.PID, nil, syscall.WNOHANG, nil); pid != st.PID && err == nil {
				quiet = -1
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// zombie says whether a process has ended and nobody has waited for it yet.
func zombie(st procfs.ProcStat) bool { return st.State == "Z" }

// tree lists a process and all its descendants, zombies included.
func tree(pid int) (root *procfs.ProcStat, below []procfs.ProcStat, err error) {
	procs, err := procfs.AllProcs()
	if err != nil {
		return nil, nil, err
	}
	children := map[int][]procfs.ProcStat{}
	for _, p := range procs {
		st, err := p.Stat()
		if err != nil {
			continue // ended meanwhile
		}
		if st.PID == pid {
			root = &st
		}
		children[st.PPID] = append(children[st.PPID], st)
	}
	for todo := children[pid]; len(todo) > 0; {
		st := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1:len(todo)-1], children[st.PID]...)
		below = append(below, st)
	}
	return root, below, nil
}

// clockTick is USER_HZ, which Linux has fixed at 100 on every architecture.
const clockTick = 10 * time.Millisecond

// treeUsage is what the processes below a guard have used, and their memory and threads now.
func treeUsage(guard int) (record.Usage, error) {
	root, below, err := tree(guard)
	if err != nil {
		return record.Usage{}, fmt.Errorf("meter the processes of guard %d: %w", guard, err)
	}
	if root == nil || !slices.ContainsFunc(below, func(st procfs.ProcStat) bool { return !zombie(st) }) {
		return record.Usage{}, fmt.Errorf("meter the processes of guard %d: they have ended", guard)
	}
	u := record.Usage{CPU: waitedFor(*root)}
	for _, st := range below {
		if !zombie(st) { // of whom nothing is left but the time that it used
			u.Processes++
			u.Threads += st.NumThreads
			u.RSS += uint64(st.ResidentMemory())
			u.PSS += pss(st.PID)
		}
		u.CPU = u.CPU.Add(processCPU(st)).Add(waitedFor(st))
	}
	return u, nil
}

// waitedFor is the time of a process's children that have ended and were waited for.
func waitedFor(st procfs.ProcStat) record.CPU {
	return record.CPU{User: time.Duration(st.CUTime) * clockTick, System: time.Duration(st.CSTime) * clockTick}
}

// processCPU reads the kernel's clock of a process, which counts nanoseconds
// and includes threads that have ended; stat knows only ticks of 10 ms, so it
// is asked for nothing but the proportion of user to system time.
func processCPU(st procfs.ProcStat) record.CPU {
	user, system := time.Duration(st.UTime)*clockTick, time.Duration(st.STime)*clockTick
	const schedClock = 2 // CPUCLOCK_SCHED of the kernel's dynamic clock ids
	var ts unix.Timespec
	if unix.ClockGettime(int32(^st.PID<<3|schedClock), &ts) != nil {
		return record.CPU{User: user, System: system}
	}
	total := time.Duration(ts.Nano())
	share := 0.5
	if user+system > 0 {
		share = float64(user) / float64(user+system)
	}
	u := time.Duration(share * float64(total))
	return record.CPU{User: u, System: total - u}
}

// pss is the proportional set size: shared pages are divided among those who
// share them, so that a sum over forked workers is what they really take.
func pss(pid int) uint64 {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "Pss:" {
			kb, _ := strconv.ParseUint(f[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// threadNames counts the threads of the processes below a guard by name: "node 1, libuv-worker 4".
func threadNames(guard int) string {
	_, all, err := tree(guard)
	if err != nil {
		return ""
	}
	count := map[string]int{}
	for _, st := range all {
		files, _ := filepath.Glob("/proc/" + strconv.Itoa(st.PID) + "/task/*/comm")
		for _, f := range files {
			if name, err := os.ReadFile(f); err == nil { // else it has ended meanwhile
				count[strings.TrimSpace(string(name))]++
			}
		}
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, name+" "+strconv.Itoa(count[name]))
	}
	return strings.Join(parts, ", ")
}
