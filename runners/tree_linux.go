package runners

import (
	"fmt"
	"maps"
	"os"
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

// treeUsage is what the processes below a guard have used, their memory, unless it
// is left out, and threads now, and which they are.
func treeUsage(guard int, withMemory bool) (u record.Usage, pids []int, err error) {
	var files uint64 // the processes of a server map the same ones
	root, below, err := tree(guard)
	if err != nil {
		return u, nil, fmt.Errorf("meter the processes of guard %d: %w", guard, err)
	}
	if root == nil || !slices.ContainsFunc(below, func(st procfs.ProcStat) bool { return !zombie(st) }) {
		return u, nil, fmt.Errorf("meter the processes of guard %d: they have ended", guard)
	}
	u.CPU = waitedFor(*root)
	for _, st := range below {
		if !zombie(st) { // of whom nothing is left but the time that it used
			u.Processes++
			u.Threads += st.NumThreads
			pids = append(pids, st.PID)
			u.RSS += uint64(st.ResidentMemory())
			if withMemory {
				own, mapped := memory(st.PID)
				u.PSS, files = u.PSS+own, max(files, mapped)
			}
		}
		u.CPU = u.CPU.Add(processCPU(st)).Add(waitedFor(st))
		u.Faults += uint64(st.MinFlt) + uint64(st.MajFlt)
		addThreads(&u, st.PID)
	}
	u.PSS += files
	return u, pids, nil
}

// addThreads adds the processor time of a process's threads by name, without the number
// at its end (the threads of a pool are one), how long they waited for a core, and how
// often they left it. Threads that have ended are not among them.
func addThreads(u *record.Usage, pid int) {
	dir := "/proc/" + strconv.Itoa(pid) + "/task/"
	tasks, _ := os.ReadDir(dir)
	for _, task := range tasks {
		status, err := os.ReadFile(dir + task.Name() + "/status")
		if err != nil {
			continue // ended meanwhile
		}
		name := ""
		for line := range strings.Lines(string(status)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			value = strings.TrimSpace(value)
			n, _ := strconv.ParseUint(value, 10, 64)
			switch key {
			case "Name":
				name = value
			case "voluntary_ctxt_switches":
				u.Slept += n
			case "nonvoluntary_ctxt_switches":
				u.Preempted += n
			}
		}
		stat, _ := os.ReadFile(dir + task.Name() + "/schedstat")
		var ns, waited int64
		if _, err := fmt.Sscan(string(stat), &ns, &waited); err != nil {
			continue // a kernel without it
		}
		u.Queued += time.Duration(waited)
		if u.ByThread == nil {
			u.ByThread = map[string]time.Duration{}
		}
		u.ByThread[strings.TrimRight(name, "0123456789-_#: ")] += time.Duration(ns)
		if task.Name() == strconv.Itoa(pid) {
			u.MainThread += time.Duration(ns)
		}
	}
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
	total, ok := processClock(st.PID)
	if !ok {
		return record.CPU{User: user, System: system}
	}
	share := 0.5
	if user+system > 0 {
		share = float64(user) / float64(user+system)
	}
	u := time.Duration(share * float64(total))
	return record.CPU{User: u, System: total - u}
}

// processClock is the kernel's clock of a process. It takes a microsecond to read.
func processClock(pid int) (total time.Duration, ok bool) {
	const schedClock = 2 // CPUCLOCK_SCHED of the kernel's dynamic clock ids
	var ts unix.Timespec
	err := unix.ClockGettime(int32(^pid<<3|schedClock), &ts)
	return time.Duration(ts.Nano()), err == nil
}

// memory is what a process has in memory: of its own pages, those that it shares with
// forked workers, its own relatives, in proportion; and all pages of files, such as its
// program, in whole. Other servers may map the same files, and what they take part in must
// not make a server look smaller.
func memory(pid int) (own, files uint64) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0, 0
	}
	kib := map[string]uint64{}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 3 && f[2] == "kB" {
			kib[f[0]], _ = strconv.ParseUint(f[1], 10, 54)
		}
	}
	anonymous, known := kib["Pss_Anon:"]
	if !known { // before Linux 5.4
		return kib["Pss:"] << 10, 0
	}
	own = anonymous + kib["Pss_Shmem:"]
	return own << 10, (kib["Rss:"] - min(kib["Anonymous:"], kib["Rss:"])) << 10
}

// threadNames counts the threads of the processes below a guard by name: "node 1, libuv-worker 4".
func threadNames(guard int) string {
	_, all, err := tree(guard)
	if err != nil {
		return ""
	}
	count := map[string]int{}
	for _, st := range all {
		threads, _ := procfs.AllThreads(st.PID)
		for _, thread := range threads {
			if name, err := thread.Comm(); err == nil { // else it has ended meanwhile
				count[name]++
			}
		}
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, name+" "+strconv.Itoa(count[name]))
	}
	return strings.Join(parts, ", ")
}
