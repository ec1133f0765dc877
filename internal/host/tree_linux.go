package host

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// Tree is the file tree of a machine, of which the kernel's files are read.
type Tree struct{ fs.FS }

// System is the tree of this machine: all readings come from it.
var System = Tree{os.DirFS("/")}

// ReadFile reads a file at once, as fs.ReadFileFS wants: the settings below
// /proc/sys give nothing to a second read.
func (t Tree) ReadFile(name string) ([]byte, error) { return fs.ReadFile(t.FS, name) }

// Text is the content of a file without the space around it, empty where it
// cannot be read: the kernel leaves out the files of what it was built without.
func (t Tree) Text(name string) string {
	data, err := t.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// Number reads a file that holds one number.
func (t Tree) Number(name string) (uint64, bool) {
	v, err := strconv.ParseUint(t.Text(name), 10, 64)
	return v, err == nil
}

// MemInfo is an entry of /proc/meminfo in bytes.
func (t Tree) MemInfo(name string) (uint64, bool) {
	kib, ok := entry(t.Text("proc/meminfo"), name+":")
	return kib << 10, ok
}

// entry is the number beside a name in a table with a line for each.
func entry(table, name string) (uint64, bool) {
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == name {
			v, err := strconv.ParseUint(f[1], 10, 64)
			return v, err == nil
		}
	}
	return 0, false
}

// MemoryLeft is what the machine, or the control group if it is less, still has.
func (t Tree) MemoryLeft() (left uint64, group bool) {
	left, known := t.MemInfo("MemAvailable")
	if of, limited := t.Groups("memory").memoryLeft(); limited && (!known || of < left) {
		return of, true
	}
	return left, false
}

// Siblings are the hardware threads of a core's physical core, itself included;
// none where the system does not tell.
func (t Tree) Siblings(cpu int) []int {
	list, _ := ParseCPUs(t.Text(fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu)))
	return list
}

// Mitigations are the processor's flaws against which the kernel does something,
// which costs time, and those that it leaves open.
func (t Tree) Mitigations() (on, open []string, err error) {
	const dir = "sys/devices/system/cpu/vulnerabilities"
	entries, err := fs.ReadDir(t.FS, dir)
	for _, e := range entries {
		switch value := t.Text(path.Join(dir, e.Name())); {
		case strings.HasPrefix(value, "Mitigation"):
			on = append(on, e.Name())
		case strings.HasPrefix(value, "Vulnerable"):
			open = append(open, e.Name())
		}
	}
	return on, open, err
}
