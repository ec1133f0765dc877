package host

import (
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/hellobench/hellobench/internal/record"
)

// Environment describes this machine. What the system does not tell is empty.
func Environment() record.Environment {
	e := record.Environment{
		OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(),
		Go: runtime.Version(), Argv: os.Args, Revision: revision(),
	}
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) == nil {
		e.OpenFiles = uint64(lim.Cur) //nolint:unconvert // signed on some systems
	}
	readSystem(&e)
	return e
}

// board is the model that a device tree gives, without the zero that ends it. That
// of a virtual machine says nothing of the machine.
func board(model string) string {
	model = strings.TrimRight(model, "\x00")
	if strings.Contains(model, "dummy-virt") {
		return ""
	}
	return model
}

func group(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// revision is the commit that this binary was built from, if it is known.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var rev, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if rev == "" {
		return "" // the version says what is known
	}
	return rev[:min(len(rev), 12)] + dirty
}
