//go:build !linux

package runners

import (
	"fmt"
	"syscall"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/record"
)

func leaderAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// adoptOrphans does nothing here: only Linux lets a process be the parent of its
// descendants' orphans. A daemon that leaves its process group survives.
func adoptOrphans() error { return nil }

// killBelow kills the process group of a server: what has left it cannot be found here.
func killBelow(leader int) { _ = syscall.Kill(-leader, syscall.SIGKILL) }

// killStrays does nothing here, where no orphan comes to this process.
func killStrays(map[int]bool) {}

func treeUsage(int) (record.Usage, error) {
	return record.Usage{}, fmt.Errorf("meter a process tree: %w", host.ErrUnsupported)
}

func threadNames(int) string { return "" }
