//go:build !linux

package runners

import (
	"fmt"
	"syscall"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/record"
)

func leaderAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// adoptOrphans does nothing here: only Linux lets a process be the parent of its
// descendants' orphans. A daemon that leaves its process group survives.
func adoptOrphans() error { return nil }

// killBelow kills the process group of a server: what has left it cannot be found
// here. It is false if there was none.
func killBelow(leader int) (left bool) { return syscall.Kill(-leader, syscall.SIGKILL) == nil }

// killStrays does nothing here, where no orphan comes to this process.
func killStrays(map[int]bool) {}

func treeUsage(int, bool) (record.Usage, []int, error) {
	return record.Usage{}, nil, fmt.Errorf("meter a process tree: %w", host.ErrUnsupported)
}

func processClock(int) (time.Duration, bool) { return 0, false }

func threadNames(int) string { return "" }
