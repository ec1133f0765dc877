package runners

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// File is one entry of a server's folder as its copy has it.
type File struct {
	Data []byte
	Link string // where a symbolic link leads; empty: no link
	Mode fs.FileMode
}

const (
	plainMode = fs.FileMode(0o644)
	runMode   = fs.FileMode(0o755) // what anybody may execute, everybody may
)

// Files are the files, links and empty folders of a server by slash-separated path.
type Files map[string]File

// skipped are folders that tools leave next to sources and that are no part of a
// server: what is installed, and what a version control keeps.
func skipped(name string) bool {
	return slices.Contains([]string{"node_modules", "__pycache__", ".venv", ".git", ".hg", ".svn"}, name)
}

// A server's own files are sources and locks; more than this is a mistake,
// such as an environment installed into the folder.
const maxFiles, maxBytes = 2000, 32 << 20

// add adds the content of a folder, and returns what it leaves out, each with the reason.
func (f Files) add(fsys fs.FS, dir string) (leftOut []string, err error) {
	total := 0
	err = fs.WalkDir(fsys, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel := strings.TrimPrefix(name, dir+"/")
		file, why, err := read(fsys, dir, rel, d)
		switch {
		case err != nil:
			return err
		case why != "":
			leftOut = append(leftOut, rel+" ("+why+")")
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case rel == ManifestFile || d.IsDir() && file.Mode == 0:
			return nil
		}
		if total += len(file.Data); total > maxBytes || len(f) >= maxFiles {
			return fmt.Errorf("%s holds more than %d files or %d MiB: keep installed packages out of it", dir, maxFiles, maxBytes>>20)
		}
		f[rel] = file
		return nil
	})
	return leftOut, err
}

// read reads an entry of a server's folder, or says why it is left out. A
// folder that is not empty comes with its files and has no mode.
func read(fsys fs.FS, dir, rel string, d fs.DirEntry) (f File, leftOut string, err error) {
	name := path.Join(dir, rel)
	switch {
	case d.IsDir() && skipped(d.Name()):
		return f, "installed packages or version control", nil
	case d.IsDir():
		entries, err := fs.ReadDir(fsys, name)
		if err == nil && len(entries) == 0 {
			f.Mode = fs.ModeDir | runMode
		}
		return f, "", err
	case d.Type()&fs.ModeSymlink != 0:
		to, err := fs.ReadLink(fsys, name)
		if err == nil && (path.IsAbs(to) || !fs.ValidPath(path.Join(path.Dir(rel), to))) {
			return f, "a link out of the folder", nil
		}
		return File{Link: to, Mode: fs.ModeSymlink}, "", err
	case !d.Type().IsRegular():
		return f, "no file, folder or link", nil
	}
	info, err := d.Info()
	if err != nil {
		return f, "", err
	}
	if info.Size() > maxBytes {
		return f, "", fmt.Errorf("%s holds more than %d MiB: keep installed packages out of the folder", name, maxBytes>>20)
	}
	f.Mode = plainMode
	if info.Mode()&0o111 != 0 {
		f.Mode = runMode
	}
	f.Data, err = fs.ReadFile(fsys, name)
	return f, "", err
}

// write makes a folder with the files; one that exists already is kept, since
// its name holds the hash of its content.
func (f Files) write(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	tmp := dir + ".partial"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	for name, file := range f {
		if err := file.write(filepath.Join(tmp, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	return os.Rename(tmp, dir)
}

func (f File) write(name string) error {
	if f.Mode.IsDir() {
		return os.MkdirAll(name, f.Mode.Perm())
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if f.Link != "" {
		return os.Symlink(filepath.FromSlash(f.Link), name)
	}
	return errors.Join(os.WriteFile(name, f.Data, f.Mode.Perm()), os.Chmod(name, f.Mode.Perm()))
}

// hash is a SHA-256 over names, contents and what is not a plain file, in hexadecimal.
func (f Files) hash(extra ...string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(f)) {
		file := f[name]
		h.Write(fmt.Appendf(nil, "%d %s %d ", len(name), name, len(file.Data)))
		h.Write(file.Data)
		if file.Mode != plainMode {
			h.Write(fmt.Appendf(nil, "%v %d %s", file.Mode, len(file.Link), file.Link))
		}
	}
	for _, s := range extra {
		h.Write(fmt.Appendf(nil, "%d %s", len(s), s))
	}
	return hex.EncodeToString(h.Sum(nil))
}
