package host

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Allowed lists the cores that the calling thread may run on.
func Allowed() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("read allowed cores: %w", err)
	}
	var cpus []int
	for c := range 64 * len(set) {
		if set.IsSet(c) {
			cpus = append(cpus, c)
		}
	}
	return cpus, nil
}

// Siblings are those of this machine.
func Siblings(cpu int) []int { return System.Siblings(cpu) }

func cpuSet(cpus []int) *unix.CPUSet {
	set := new(unix.CPUSet)
	for _, c := range cpus {
		set.Set(c)
	}
	return set
}

// PinThread keeps the calling thread on the given cores, and with it every
// process that it starts. Call it after runtime.LockOSThread.
func PinThread(cpus []int) error {
	if len(cpus) == 0 {
		return nil
	}
	if err := unix.SchedSetaffinity(0, cpuSet(cpus)); err != nil {
		return fmt.Errorf("pin to cores %s: %w", FormatCPUs(cpus), err)
	}
	return nil
}

// tryPin pins a thread to where it may run already, to see if that is allowed.
func tryPin(allowed []int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return PinThread(allowed)
}

// PinProcess keeps every thread of this process on the given cores, also
// those that the Go runtime starts later. An empty list changes nothing.
func PinProcess(cpus []int) error {
	if len(cpus) == 0 {
		return nil
	}
	// A thread may be started by one that is not pinned yet: go over the
	// list until it holds nothing new. Threads inherit, so this ends.
	done := map[int]bool{}
	for {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("pin to cores %s: %w", FormatCPUs(cpus), err)
		}
		before := len(done)
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil || done[tid] {
				continue
			}
			done[tid] = true
			if err := unix.SchedSetaffinity(tid, cpuSet(cpus)); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("pin to cores %s: %w", FormatCPUs(cpus), err)
			}
		}
		if len(done) == before {
			runtime.SetDefaultGOMAXPROCS() // as many processors as there are cores now
			return nil
		}
	}
}
