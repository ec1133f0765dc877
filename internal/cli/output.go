package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/hellobench/hellobench/internal/record"
)

// writeTo makes or replaces a file with what render writes. What is no plain file
// (a FIFO, a device, an open file such as /dev/stdout) is written to and stays
// what it is, and so does a symbolic link: its target is replaced.
func writeTo(name string, render func(io.Writer) error) error {
	var buf bytes.Buffer
	if err := render(&buf); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return usageError{fmt.Errorf("write %s: it is a folder; name a file in it", name)}
	case err == nil && info.Mode().IsRegular() && inherited(name) < 0:
		target, err := filepath.EvalSymlinks(name)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		err = record.WriteFile(target, buf.Bytes())
		if err == nil {
			err = os.Chmod(target, info.Mode().Perm())
		} else if replaceable(err) {
			return err
		}
		if err == nil {
			return nil
		}
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(name); err != nil { // no link that leads nowhere yet
			return record.WriteFile(name, buf.Bytes())
		}
	}
	w, err := openOutput(name)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, record.Reason(err))
	}
	_, err = w.Write(buf.Bytes())
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, record.Reason(err))
	}
	return nil
}

// replaceable says whether a failed replacement would fail in place, too: where
// only the folder forbids it, or the file is mounted, it can be written to.
func replaceable(err error) bool {
	return !slices.ContainsFunc([]error{fs.ErrPermission, syscall.EBUSY, syscall.EXDEV}, func(e error) bool { return errors.Is(err, e) })
}

// openOutput opens for writing what there is under a name, and makes a file where
// there is nothing. An open file of this process is written on where it stands:
// to open it again would begin at its start, and cut it off.
func openOutput(name string) (*os.File, error) {
	if fd := inherited(name); fd >= 0 {
		again, err := syscall.Dup(fd)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return os.NewFile(uintptr(again), name), nil
	}
	return os.Create(name)
}

// mostLinks is how many symbolic links a name may lead over, as in the kernel.
const mostLinks = 40

// inherited is the number of the open file that a name leads to, such as 1 for
// /dev/stdout and 63 for /dev/fd/63; -1 if it leads to none.
func inherited(name string) int {
	folders := []string{"/dev/fd", "/proc/self/fd", "/proc/thread-self/fd", fmt.Sprintf("/proc/%d/fd", os.Getpid())}
	for range mostLinks {
		if slices.Contains(folders, filepath.Dir(name)) {
			if fd, err := strconv.Atoi(filepath.Base(name)); err == nil {
				return fd
			}
		}
		to, err := os.Readlink(name)
		if err != nil {
			return -1
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(name), to)
		}
		name = to
	}
	return -1
}
