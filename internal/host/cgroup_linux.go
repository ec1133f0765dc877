package host

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Groups are the control groups of one controller that this process is in:
// its own first, then those above it as far as they can be seen. A quota of
// any of them holds.
type Groups struct {
	tree Tree
	// Dirs are folders without a leading slash, as io/fs wants them.
	Dirs     []string
	ReadOnly bool // they cannot be changed from here
}

// mount is one mounted cgroup hierarchy.
type mount struct {
	root, dir   string
	controllers []string // of version 1
	unified     bool     // version 2
	readOnly    bool
}

// Groups finds the groups of a controller, of version 1 where that
// controller is mounted, else of version 2. It finds none where control groups
// are off or hidden.
func (t Tree) Groups(controller string) Groups {
	g := Groups{tree: t}
	mounts := parseMounts(t.Text("proc/self/mountinfo"))
	paths := parseMembership(t.Text("proc/self/cgroup"))
	i := slices.IndexFunc(mounts, func(m mount) bool { return slices.Contains(m.controllers, controller) })
	own, in := paths[controller]
	if i < 0 || !in {
		i = slices.IndexFunc(mounts, func(m mount) bool { return m.unified })
		own, in = paths[""]
	}
	if i < 0 || !in {
		return g
	}
	m := mounts[i]
	g.ReadOnly = m.readOnly
	// In a container the mount may show a part of the hierarchy only.
	below, within := strings.CutPrefix(own, m.root)
	if m.root != "/" && (!within || below != "" && below[0] != '/') {
		below = "/"
	}
	top := strings.TrimPrefix(path.Clean(m.dir), "/")
	for dir := path.Join(top, path.Clean("/"+below)); strings.HasPrefix(dir, top) && fs.ValidPath(dir); dir = path.Dir(dir) {
		g.Dirs = append(g.Dirs, dir)
		if dir == top {
			break
		}
	}
	return g
}

// parseMounts reads the cgroup lines of mountinfo (proc_pid_mountinfo(5)):
// ID PARENT DEVICE ROOT DIR OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS.
func parseMounts(mountinfo string) []mount {
	var mounts []mount
	for line := range strings.Lines(mountinfo) {
		head, tail, ok := strings.Cut(line, " - ")
		h, t := strings.Fields(head), strings.Fields(tail)
		if !ok || len(h) < 6 || len(t) < 3 || !strings.HasPrefix(t[0], "cgroup") {
			continue
		}
		m := mount{root: Unescape(h[3]), dir: Unescape(h[4]), unified: t[0] == "cgroup2"}
		m.readOnly = slices.Contains(strings.Split(h[5], ","), "ro")
		if !m.unified {
			m.controllers = strings.Split(t[2], ",")
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// Unescape undoes the octal escapes of space, tab, newline and backslash in the
// tables of /proc.
var Unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace

// parseMembership reads /proc/self/cgroup, ID:CONTROLLERS:PATH: the path by
// controller, that of version 2 under "".
func parseMembership(cgroup string) map[string]string {
	paths := map[string]string{}
	for line := range strings.Lines(cgroup) {
		parts := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(parts) != 3 || !strings.HasPrefix(parts[2], "/") {
			continue
		}
		for c := range strings.SplitSeq(parts[1], ",") {
			paths[c] = parts[2]
		}
	}
	return paths
}

// Throttled is how long the groups stood still, all together. Their cpu.stat has it as
// throttled_time (version 1, in ns) or throttled_usec (version 2); a group without a quota has neither.
func (g Groups) Throttled() (stood time.Duration) {
	for _, dir := range g.Dirs {
		stat := g.tree.Text(path.Join(dir, "cpu.stat"))
		ns, _ := entry(stat, "throttled_time")
		us, _ := entry(stat, "throttled_usec")
		stood += time.Duration(min(ns, uint64(maxStood))) + time.Duration(min(us, uint64(maxStood/time.Microsecond)))*time.Microsecond
	}
	return stood
}

// maxStood keeps sums over nested groups far from overflow: 30 years.
const maxStood = 30 * 365 * 24 * time.Hour

// Quota is the limit of processor time of one group.
type Quota struct {
	Cores float64 // 0 without a limit
	File  string  // that sets it, as an absolute path
	Now   string  // what the file holds
	None  string  // what lifts the limit
}

// Quota is the tightest limit over the groups.
func (g Groups) Quota() Quota {
	var tightest Quota
	for _, dir := range g.Dirs {
		q := Quota{File: "/" + path.Join(dir, "cpu.max"), None: "max"}
		q.Now = g.tree.Text(path.Join(dir, "cpu.max"))
		limit := strings.Fields(q.Now)
		if q.Now == "" {
			q.File, q.None = "/"+path.Join(dir, "cpu.cfs_quota_us"), "-1"
			q.Now = g.tree.Text(path.Join(dir, "cpu.cfs_quota_us"))
			limit = []string{q.Now, g.tree.Text(path.Join(dir, "cpu.cfs_period_us"))}
		}
		q.Cores = parseQuota(limit)
		if q.Cores > 0 && (tightest.Cores == 0 || q.Cores < tightest.Cores) {
			tightest = q
		}
	}
	return tightest
}

// parseQuota is quota over period, 0 for "max", -1 and what is no limit.
func parseQuota(limit []string) float64 {
	if len(limit) != 2 {
		return 0
	}
	used, err := strconv.ParseUint(limit[0], 10, 63)
	if err != nil {
		return 0
	}
	period, err := strconv.ParseUint(limit[1], 10, 63)
	if err != nil || period == 0 {
		return 0
	}
	return float64(used) / float64(period)
}

// memoryLeft is what the tightest of the groups still lets its processes use.
// File pages that were not used lately count as free, for the kernel drops
// them first.
func (g Groups) memoryLeft() (bytes uint64, limited bool) {
	for _, dir := range g.Dirs {
		for _, names := range [][3]string{
			{"memory.max", "memory.current", "inactive_file"},
			{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
		} {
			limit, err := strconv.ParseUint(g.tree.Text(path.Join(dir, names[0])), 10, 64)
			used, usedErr := strconv.ParseUint(g.tree.Text(path.Join(dir, names[1])), 10, 64)
			if err != nil || usedErr != nil {
				continue // "max", or not there
			}
			unused, _ := entry(g.tree.Text(path.Join(dir, "memory.stat")), names[2])
			if left := since(limit, since(used, unused)); !limited || left < bytes {
				bytes, limited = left, true
			}
		}
	}
	return bytes, limited
}
