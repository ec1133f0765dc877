//go:build !linux

package runners

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/record"
)

func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

type stray struct{}

func descendants(int) []stray { return nil }

func killStrays([]stray) {}

func groupRuns(pgid int) bool { return !errors.Is(syscall.Kill(-pgid, 0), syscall.ESRCH) }

func treeUsage(int) (record.Usage, error) {
	return record.Usage{}, fmt.Errorf("meter a process tree: %w", host.ErrUnsupported)
}

func raiseFiles(int) {}

func threadNames(int) string { return "" }
