package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hellobench/hellobench/internal/record"
)

const (
	logsFolder = "logs"
	// commandFile is the command line of a run that may not have begun yet, for
	// --resume to start it over.
	commandFile = "logs/command.json"
	// mostRuns is how many runs of one second get a folder of their own.
	mostRuns = 1000
)

// NewFolder makes the run folder, and keeps there what a run was called with.
func NewFolder(out, profileName string, now time.Time, args []string) (dir string, err error) {
	if out != "" {
		dir = out
		if err := startable(dir); err != nil {
			return "", UsageError{fmt.Errorf("--out %w", err)}
		}
	} else if dir, err = freeFolder(filepath.Join("results", now.Format("20060102-150405")+"-"+profileName)); err != nil {
		return "", fmt.Errorf("make the run folder: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, logsFolder), 0o755); err != nil {
		return "", fmt.Errorf("make the run folder: %w", err)
	}
	if args == nil {
		return dir, nil
	}
	data, err := json.Marshal(args)
	if err != nil {
		return "", fmt.Errorf("keep the command line: %w", err)
	}
	return dir, record.WriteFile(filepath.Join(dir, commandFile), append(data, '\n'))
}

// freeFolder makes a folder of a name, or of the next one that is free. Two
// runs never get the same: to make a folder is one step.
func freeFolder(name string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return "", err
	}
	dir := name
	for i := 2; ; i++ {
		err := os.Mkdir(dir, 0o755)
		if !errors.Is(err, fs.ErrExist) || i > mostRuns {
			return dir, err
		}
		dir = name + "-" + strconv.Itoa(i)
	}
}

// startable says why no run can begin in a folder. One that a kill left before
// its run had begun holds logs and an empty journal at most.
func startable(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", dir, record.Reason(err))
	}
	for _, e := range entries {
		if e.Name() == record.RunFile {
			return fmt.Errorf("%s: the folder holds a run; go on with it by --resume %s, or name another folder", dir, dir)
		}
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("%s: %w", dir, record.Reason(err))
		}
		left := e.Name() == logsFolder && e.IsDir() || strings.HasPrefix(e.Name(), "."+record.RunFile+".") ||
			e.Name() == record.TrialsFile && info.Mode().IsRegular() && info.Size() == 0
		if !left {
			return fmt.Errorf("%s: the folder holds %q, which is no part of a run; name an empty folder or a new one", dir, e.Name())
		}
	}
	return nil
}

// Begun says whether a folder holds a run, or anything but the rest of a start that
// was cut off.
func Begun(dir string) bool {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return true // whoever reads it will say why not
	}
	return startable(dir) != nil
}

// CommandOf is what the run in a folder was called with, if that is known.
func CommandOf(dir string) []string {
	data, err := os.ReadFile(filepath.Join(dir, commandFile))
	var args []string
	if err != nil || json.Unmarshal(data, &args) != nil || len(args) == 0 || args[0] != "run" {
		return nil
	}
	return args
}

// removeEmpty removes a run folder in which nothing was measured or logged.
func removeEmpty(dir string) {
	logs := filepath.Join(dir, logsFolder)
	if entries, err := os.ReadDir(logs); err == nil && len(entries) == 1 {
		_ = os.Remove(filepath.Join(dir, commandFile))
	}
	_ = os.Remove(logs)
	_ = os.Remove(dir)
}

// pointLatest replaces the link results/latest in one step.
func pointLatest(dir string) error {
	latest := filepath.Join(filepath.Dir(dir), "latest")
	tmp := latest + "." + strconv.Itoa(os.Getpid())
	_ = os.Remove(tmp) // of a process of that number that was killed
	if err := os.Symlink(filepath.Base(dir), tmp); err != nil {
		return fmt.Errorf("link the newest run: %w", err)
	}
	if err := os.Rename(tmp, latest); err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("link the newest run: %w", err)
	}
	return nil
}
