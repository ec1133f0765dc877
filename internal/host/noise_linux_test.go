package host

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// recorded is the file tree of another machine.
func recorded(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	tree := fstest.MapFS{}
	for _, f := range archive.Files {
		tree[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	require.NotEmpty(t, tree)
	return tree
}

func TestNoiseOfVersion1(t *testing.T) {
	n, err := Tree{recorded(t, "vm.txtar")}.noise([]int{1})
	require.NoError(t, err)
	assert.Equal(t, Noise{
		User: 2064300 * time.Millisecond, System: 1061360 * time.Millisecond, IRQ: 235330 * time.Millisecond,
		Idle: 2352770 * time.Millisecond, Steal: 20970 * time.Millisecond, Throttled: 437657686 * time.Nanosecond,
	}, n)
	waiting, ok := Tree{recorded(t, "vm.txtar")}.Pressure()
	assert.True(t, ok)
	assert.InDelta(t, 0.1153, waiting, 1e-9)
	assert.Equal(t, n.User+n.System+n.IRQ, n.Busy())
	assert.Equal(t, 5734730*time.Millisecond, n.Total())
}

func TestNoiseOfVersion2(t *testing.T) {
	tree := recorded(t, "laptop.txtar")
	n, err := Tree{tree}.noise([]int{0, 1})
	require.NoError(t, err)
	// User time holds nice time and not the guests', which the kernel has put there already.
	assert.Equal(t, Noise{
		User: 33 * time.Second, System: 15 * time.Second, IRQ: time.Second,
		Idle: 304 * time.Second, Steal: 400 * time.Millisecond,
		Throttled: time.Second, // of both groups
	}, n)
	_, ok := Tree{tree}.Pressure()
	assert.False(t, ok)
	all, err := Tree{tree}.noise(nil)
	require.NoError(t, err)
	assert.Equal(t, 44*time.Second, all.User)
	_, err = Tree{tree}.noise([]int{0, 7})
	require.ErrorContains(t, err, "cpu7 is not there")
	_, err = Tree{fstest.MapFS{}}.noise(nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestNoiseOfWrongTables(t *testing.T) {
	for _, bad := range []string{"", "cpu 1 2 3\n", "cpu 1 2 3 4 5\n", "cpu x 2 3 4 5 6 7 8\n", "cpu -1 2 3 4 5 6 7 8\n", "cpu 500000000000 500000000000 3 4 5 6 7 8\n"} {
		_, err := Tree{fstest.MapFS{"proc/stat": {Data: []byte(bad)}}}.noise(nil)
		assert.Error(t, err, bad)
	}
}

func TestNoiseSub(t *testing.T) {
	before := Noise{User: 10, System: 20, IRQ: 30, Idle: 40, Steal: 50, Throttled: 80}
	after := Noise{User: 11, System: 22, IRQ: 33, Idle: 44, Steal: 55, Throttled: 88}
	assert.Equal(t, Noise{User: 1, System: 2, IRQ: 3, Idle: 4, Steal: 5, Throttled: 8}, after.Sub(before))
	assert.Zero(t, before.Sub(after), "nothing is negative")
}

// TestNoiseHere burns 300 ms of processor time on one core and finds them there.
func TestNoiseHere(t *testing.T) {
	allowed, err := Allowed()
	require.NoError(t, err)
	core := allowed[len(allowed)-1:]
	before, err := ReadNoise(core)
	require.NoError(t, err)
	done := make(chan time.Duration)
	go func() {
		runtime.LockOSThread() // and never unlocked: the pinned thread ends with the goroutine
		if PinThread(core) != nil {
			close(done)
			return
		}
		used := threadCPU()
		for used < 300*time.Millisecond {
			used = threadCPU()
		}
		done <- used
	}()
	burnt := <-done
	require.Positive(t, burnt)
	after, err := ReadNoise(core)
	require.NoError(t, err)
	d := after.Sub(before)
	t.Logf("burnt %v: %+v", burnt, d)
	// The kernel may count by ticks: half is far more than what it errs by,
	// and a thread that was new had at most a few ticks behind it.
	assert.Greater(t, d.Busy(), burnt/2)
	assert.GreaterOrEqual(t, d.Total(), d.Busy())
	assert.Empty(t, after.Sub(after).Busy())
	all, err := ReadNoise(nil)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, all.Busy(), d.Busy())
}

// threadCPU is the processor time that this thread has used.
func threadCPU() time.Duration {
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &ru) != nil {
		return time.Hour // ends the loop that waits for it
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

func TestGroupsOutOfSight(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"nothing":        {},
		"not mounted":    {"proc/self/cgroup": {Data: []byte("0::/a\n")}},
		"not a member":   {"proc/self/mountinfo": {Data: []byte("1 2 0:1 / /cg rw - cgroup2 c rw\n")}},
		"relative mount": {"proc/self/mountinfo": {Data: []byte("1 2 0:1 / . rw - cgroup2 c rw\n")}, "proc/self/cgroup": {Data: []byte("0::/a\n")}},
	} {
		assert.Empty(t, Tree{files}.Groups("cpu").Dirs, name)
	}
	tree := func(mountinfo, cgroup string) fstest.MapFS {
		return fstest.MapFS{"proc/self/mountinfo": {Data: []byte(mountinfo)}, "proc/self/cgroup": {Data: []byte(cgroup)}}
	}
	g := Tree{tree("1 2 0:1 / /my\\040groups ro - cgroup2 c rw\n", "0::/a/b\n")}.Groups("cpu")
	assert.Equal(t, []string{"my groups/a/b", "my groups/a", "my groups"}, g.Dirs)
	assert.True(t, g.ReadOnly)
	// The group lies outside of what is mounted: only what is mounted can be looked at.
	g = Tree{tree("1 2 0:1 /box /cg rw - cgroup2 c rw\n", "0::/boxes/a\n")}.Groups("cpu")
	assert.Equal(t, []string{"cg"}, g.Dirs)
	// Version 1 goes before version 2 where both are mounted.
	g = Tree{tree("1 2 0:1 / /two rw - cgroup2 c rw\n1 2 0:1 / /one rw - cgroup c rw,cpu,cpuacct\n", "0::/x\n4:cpu,cpuacct:/a\n")}.Groups("cpu")
	assert.Equal(t, []string{"one/a", "one"}, g.Dirs)
}

func FuzzNoise(f *testing.F) {
	for _, name := range []string{"vm.txtar", "laptop.txtar"} {
		tree := recorded(f, name)
		f.Add(Tree{tree}.Text("proc/stat"), Tree{tree}.Text("proc/pressure/cpu"), Tree{tree}.Text("proc/self/mountinfo"), Tree{tree}.Text("proc/self/cgroup"), "nr_throttled 3\nthrottled_usec 9\n")
	}
	earlier, err := Tree{recorded(f, "laptop.txtar")}.noise(nil)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, stat, pressure, mountinfo, cgroup, throttling string) {
		tree := Tree{fstest.MapFS{
			"proc/stat": {Data: []byte(stat)}, "proc/pressure/cpu": {Data: []byte(pressure)},
			"proc/self/mountinfo": {Data: []byte(mountinfo)}, "proc/self/cgroup": {Data: []byte(cgroup)},
			"sys/fs/cgroup/cpu.stat": {Data: []byte(throttling)},
		}}
		if share, ok := tree.Pressure(); ok {
			assert.GreaterOrEqual(t, share, 0.0)
			assert.LessOrEqual(t, share, 1.0)
		}
		n, err := tree.noise(nil)
		if err != nil {
			assert.Zero(t, n)
			return
		}
		for _, r := range []Noise{n, n.Sub(earlier), earlier.Sub(n)} {
			for _, d := range []time.Duration{r.User, r.System, r.IRQ, r.Idle, r.Steal, r.Throttled, r.Busy(), r.Total()} {
				assert.GreaterOrEqual(t, d, time.Duration(0))
			}
		}
		assert.Zero(t, n.Sub(n).Total())
	})
}
