package runners

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// readyMark is the file that says that an environment is complete, and names what it holds.
const readyMark = ".complete"

// complete says whether a server can be started from what the cache holds.
func complete(in *Installed) bool { return intact(in.Env) && holds(in.Src, in.Files) }

// writeMark marks an environment as complete. It lists every file with its size, and every
// link, so that a later run sees what was deleted, and an interpreter that is gone.
func writeMark(env string) error {
	var list strings.Builder
	err := filepath.WalkDir(env, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(env, file)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "__pycache__" || d.Name() == ".cache" || strings.HasPrefix(rel, "src-") {
				return fs.SkipDir // written while the server runs, or compared with its own folder
			}
			return nil
		}
		if st, err := os.Stat(file); err == nil { // a link that leads nowhere is nobody's loss
			fmt.Fprintf(&list, "%d %q\n", sizeOf(st, d), rel)
		}
		return nil
	})
	if err != nil {
		return err
	}
	mark := filepath.Join(env, readyMark)
	if err := os.WriteFile(mark+".partial", []byte(list.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(mark+".partial", mark)
}

// sizeOf is -1 for what has no content of its own in the environment.
func sizeOf(st fs.FileInfo, d fs.DirEntry) int64 {
	if !d.Type().IsRegular() {
		return -1
	}
	return st.Size()
}

// intact says whether an environment is marked complete and still holds all that it held then.
func intact(env string) bool {
	f, err := os.Open(filepath.Join(env, readyMark))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var size int64
		var rel string
		if _, err := fmt.Sscanf(lines.Text(), "%d %q", &size, &rel); err != nil {
			return false
		}
		st, err := os.Stat(filepath.Join(env, rel)) // through links
		if err != nil || size >= 0 && st.Size() < size {
			return false // what has grown is a log or a database of the server
		}
	}
	return lines.Err() == nil
}

// holds says whether a folder still holds each of the server's files.
func holds(dir string, files Files) bool {
	if _, err := os.Stat(dir); err != nil {
		return false
	}
	for name := range files {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return false
		}
	}
	return true
}

// libc is what ldd says of the C library: its kind (glibc, musl) and version. Systems without
// ldd have one C library, which their version of GOOS decides.
var libc = sync.OnceValue(func() string {
	out, _ := exec.Command("ldd", "--version").CombinedOutput()
	lines := strings.SplitN(string(out), "\n", 3)
	return strings.Join(lines[:min(2, len(lines))], " ")
})
