package host

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// groups are the control groups of one controller that this process is in:
// its own first, then those above it as far as they can be seen. A quota of
// any of them holds.
type groups struct {
	files fs.FS
	// dirs are folders without a leading slash, as io/fs wants them.
	dirs     []string
	readOnly bool
}

// mount is one mounted cgroup hierarchy.
type mount struct {
	root, dir   string
	controllers []string // of version 1
	unified     bool     // version 2
	readOnly    bool
}

// readGroups finds the groups of a controller, of version 1 where that
// controller is mounted, else of version 2. It finds none where control groups
// are off or hidden.
func readGroups(files fs.FS, controller string) groups {
	g := groups{files: files}
	mounts := parseMounts(text(files, "proc/self/mountinfo"))
	paths := parseMembership(text(files, "proc/self/cgroup"))
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
	g.readOnly = m.readOnly
	// In a container the mount may show a part of the hierarchy only.
	below, within := strings.CutPrefix(own, m.root)
	if m.root != "/" && (!within || below != "" && below[0] != '/') {
		below = "/"
	}
	top := strings.TrimPrefix(path.Clean(m.dir), "/")
	for dir := path.Join(top, path.Clean("/"+below)); strings.HasPrefix(dir, top) && fs.ValidPath(dir); dir = path.Dir(dir) {
		g.dirs = append(g.dirs, dir)
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
		m := mount{root: unescape(h[3]), dir: unescape(h[4]), unified: t[0] == "cgroup2"}
		m.readOnly = slices.Contains(strings.Split(h[5], ","), "ro")
		if !m.unified {
			m.controllers = strings.Split(t[2], ",")
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// unescape undoes the octal escapes of space, tab, newline and backslash.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace

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

// throttling adds up the groups' cpu.stat: nr_throttled and, in version 1,
// throttled_time in ns, in version 2 throttled_usec. It is not ok where no
// group has one; the root of version 2 has none, for it has no quota.
func (g groups) throttling() (periods uint64, stood time.Duration, ok bool) {
	for _, dir := range g.dirs {
		n, d, there := parseThrottling(text(g.files, path.Join(dir, "cpu.stat")))
		periods, stood, ok = periods+n, stood+d, ok || there
	}
	return periods, stood, ok
}

func parseThrottling(stat string) (periods uint64, stood time.Duration, ok bool) {
	for line := range strings.Lines(stat) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "nr_throttled":
			if n, err := strconv.ParseUint(value, 10, 32); err == nil {
				periods, ok = n, true
			}
		case "throttled_time":
			stood, _ = span(value, time.Nanosecond)
		case "throttled_usec":
			stood, _ = span(value, time.Microsecond)
		}
	}
	return periods, min(stood, maxStood), ok
}

// maxStood keeps sums over nested groups far from overflow: 30 years.
const maxStood = 30 * 365 * 24 * time.Hour

// quota is the limit of processor time of one group.
type quota struct {
	cores float64 // 0 without a limit
	file  string  // that sets it, as an absolute path
	now   string  // what the file holds
	none  string  // what lifts the limit
}

// quota is the tightest limit over the groups.
func (g groups) quota() quota {
	var tightest quota
	for _, dir := range g.dirs {
		q := quota{file: "/" + path.Join(dir, "cpu.max"), none: "max"}
		q.now = text(g.files, path.Join(dir, "cpu.max"))
		limit := strings.Fields(q.now)
		if q.now == "" {
			q.file, q.none = "/"+path.Join(dir, "cpu.cfs_quota_us"), "-1"
			q.now = text(g.files, path.Join(dir, "cpu.cfs_quota_us"))
			limit = []string{q.now, text(g.files, path.Join(dir, "cpu.cfs_period_us"))}
		}
		q.cores = parseQuota(limit)
		if q.cores > 0 && (tightest.cores == 0 || q.cores < tightest.cores) {
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
func (g groups) memoryLeft() (bytes uint64, limited bool) {
	for _, dir := range g.dirs {
		for _, names := range [][3]string{
			{"memory.max", "memory.current", "inactive_file"},
			{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
		} {
			limit, err := strconv.ParseUint(text(g.files, path.Join(dir, names[0])), 10, 64)
			used, usedErr := strconv.ParseUint(text(g.files, path.Join(dir, names[1])), 10, 64)
			if err != nil || usedErr != nil {
				continue // "max", or not there
			}
			used = since(used, entry(text(g.files, path.Join(dir, "memory.stat")), names[2]))
			if left := since(limit, used); !limited || left < bytes {
				bytes, limited = left, true
			}
		}
	}
	return bytes, limited
}

// entry is the number beside a name in a flat-keyed file, 0 where it is not.
func entry(stat, name string) uint64 {
	for line := range strings.Lines(stat) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == name {
			v, _ := strconv.ParseUint(f[1], 10, 64) // 0 as if it were not there
			return v
		}
	}
	return 0
}
