package runners

import (
	"bufio"
	"bytes"
	"errors"
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

func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// tree lists the process and all its descendants that run now.
func tree(root int) ([]procfs.ProcStat, error) {
	procs, err := procfs.AllProcs()
	if err != nil {
		return nil, err
	}
	children := map[int][]procfs.ProcStat{}
	var todo []procfs.ProcStat
	for _, p := range procs {
		st, err := p.Stat()
		if err != nil {
			continue // ended meanwhile
		}
		if st.PID == root {
			todo = append(todo, st)
		} else {
			children[st.PPID] = append(children[st.PPID], st)
		}
	}
	var all []procfs.ProcStat
	for len(todo) > 0 {
		st := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], children[st.PID]...)
		if st.State != "Z" {
			all = append(all, st)
		}
	}
	return all, nil
}

// stray is a process known by pid and start time, so that a recycled pid is not mistaken for it.
type stray struct {
	pid     int
	started uint64
}

func descendants(root int) []stray {
	all, err := tree(root)
	if err != nil {
		return nil
	}
	var out []stray
	for _, st := range all {
		if st.PID != root {
			out = append(out, stray{st.PID, st.Starttime})
		}
	}
	return out
}

// killStrays ends processes that a server started and that have left its group.
func killStrays(all []stray) {
	for _, s := range all {
		p, err := procfs.NewProc(s.pid)
		if err != nil {
			continue
		}
		if st, err := p.Stat(); err == nil && st.Starttime == s.started {
			_ = syscall.Kill(s.pid, syscall.SIGKILL)
		}
	}
}

// groupRuns says whether a process of the group is alive. A zombie that its
// new parent has not waited for yet is not.
func groupRuns(pgid int) bool {
	if errors.Is(syscall.Kill(-pgid, 0), syscall.ESRCH) {
		return false
	}
	procs, err := procfs.AllProcs()
	if err != nil {
		return true
	}
	for _, p := range procs {
		if st, err := p.Stat(); err == nil && st.PGRP == pgid && st.State != "Z" && st.State != "X" {
			return true
		}
	}
	return false
}

// clockTick is USER_HZ, which Linux has fixed at 100 on every architecture.
const clockTick = 10 * time.Millisecond

func treeUsage(root int) (record.Usage, error) {
	all, err := tree(root)
	if err != nil {
		return record.Usage{}, fmt.Errorf("meter process %d: %w", root, err)
	}
	if len(all) == 0 {
		return record.Usage{}, fmt.Errorf("meter process %d: it has ended", root)
	}
	u := record.Usage{Processes: len(all)}
	for _, st := range all {
		u.Threads += st.NumThreads
		u.RSS += uint64(st.ResidentMemory())
		u.PSS += pss(st.PID)
		cpu := processCPU(st)
		// Children that have ended and were waited for stand in their parent's account.
		cpu.User += time.Duration(st.CUTime) * clockTick
		cpu.System += time.Duration(st.CSTime) * clockTick
		u.CPU.User += cpu.User
		u.CPU.System += cpu.System
	}
	return u, nil
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
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) >= 2 && f[0] == "Pss:" {
			kb, _ := strconv.ParseUint(f[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// raiseFiles gives a process that has just started as many open files as it may
// have: thousands of connections are no matter of a shell's default.
func raiseFiles(pid int) {
	var limit unix.Rlimit
	if unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit) != nil {
		return
	}
	limit.Cur = limit.Max
	_ = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil)
}

// threadNames counts the threads of a process tree by name: "node 1, libuv-worker 4".
func threadNames(root int) string {
	all, err := tree(root)
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
