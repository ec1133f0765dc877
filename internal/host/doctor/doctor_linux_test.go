package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/host"
)

// of runs every check on a machine, by name.
func of(t testing.TB, m *machine) map[string]Check {
	t.Helper()
	all := map[string]Check{}
	for _, check := range checks {
		c := check(m)
		require.NotContains(t, all, c.Name)
		all[c.Name] = c
		assert.Contains(t, []State{OK, Warn, Bad, Unknown}, c.State, c.Name)
		assert.NotEmpty(t, c.Finding, c.Name)
		assert.NotEmpty(t, c.Why, c.Name)
		if c.State == OK || c.State == Unknown {
			assert.Empty(t, c.Mend, c.Name)
		}
		if c.Mend == "" {
			assert.Empty(t, c.Restore, c.Name)
		}
	}
	return all
}

func quietNoise() host.Noise {
	return host.Noise{Idle: 1960 * time.Millisecond, User: 40 * time.Millisecond}
}

// waiting is a machine on which tasks waited for a core in that much of the last 10 s.
func waiting(files fstest.MapFS, percent float64) host.Tree {
	files["proc/pressure/cpu"] = &fstest.MapFile{Data: fmt.Appendf(nil, "some avg10=%.2f avg60=0.00 avg300=0.00 total=7\n", percent)}
	return host.Tree{FS: files}
}

func TestChecksOfVM(t *testing.T) {
	m := &machine{Tree: waiting(recorded(t, "vm.txtar"), 0), allowed: []int{0, 1}, soft: 20000, hard: 20000, root: true, noise: quietNoise(), sampled: time.Second}
	all := of(t, m)
	for _, name := range []string{"cores", "smt", "load", "steal", "clock", "memory", "swap", "open-files", "accept-queue", "syn-queue", "ports", "port-reuse", "isolation", "mitigations"} {
		assert.Equal(t, OK, all[name].State, all[name])
	}
	for _, name := range []string{"governor", "turbo"} {
		assert.Equal(t, Unknown, all[name].State, all[name])
	}
	assert.Equal(t, Check{
		Name: "cpu-quota", State: Bad, Finding: "a control group limits the processor time to 0.20 cores; it stood still for 438ms so far",
		Why:  all["cpu-quota"].Why,
		Mend: "echo -1 | tee /sys/fs/cgroup/cpu/hbdoc/cpu.cfs_quota_us", Restore: "echo 20000 | tee /sys/fs/cgroup/cpu/hbdoc/cpu.cfs_quota_us",
	}, all["cpu-quota"])
	assert.Equal(t, Warn, all["time-wait"].State, "ports in TIME_WAIT are taken again, but not for nothing")
	assert.Equal(t, "9658 sockets in TIME_WAIT, 34% of the ports; loopback connections take them again, and look for a free one for longer", all["time-wait"].Finding)
	assert.Contains(t, all["steal"].Finding, "a virtual machine; 0.0%")
	assert.Contains(t, all["load"].Finding, "used 2% of the cores 0-1 for 1.0 s; load average 1.48")
	assert.Contains(t, all["mitigations"].Finding, "spec_rstack_overflow, ")
}

// TestChecksOfLaptop wants every command to the letter: it will be pasted into a shell.
func TestChecksOfLaptop(t *testing.T) {
	m := &machine{
		Tree: waiting(recorded(t, "laptop.txtar"), 40), allowed: []int{0, 1, 2, 3}, soft: 1024, hard: 1024, parent: 77, sampled: time.Second,
		noise: host.Noise{User: 600 * time.Millisecond, Steal: 30 * time.Millisecond, Idle: 1370 * time.Millisecond},
	}
	all := of(t, m)
	for name, want := range map[string]struct {
		state         State
		mend, restore string
	}{
		"cores":     {OK, "", ""},
		"smt":       {Warn, "hellobench run --server-cpus 0 --load-cpus 2", ""},
		"cpu-quota": {Bad, "echo max | sudo tee /sys/fs/cgroup/cpu.max", "echo '150000 100000' | sudo tee /sys/fs/cgroup/cpu.max"},
		"load":      {Bad, "", ""},
		"steal":     {Warn, "", ""},
		"clock": {
			Bad, "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource",
			"echo hpet | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource",
		},
		"governor": {
			Warn, "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
			"echo powersave | sudo tee /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor /sys/devices/system/cpu/cpu1/cpufreq/scaling_governor; " +
				"echo schedutil | sudo tee /sys/devices/system/cpu/cpu2/cpufreq/scaling_governor; " +
				"echo performance | sudo tee /sys/devices/system/cpu/cpu3/cpufreq/scaling_governor",
		},
		"turbo":  {Warn, "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo", "echo 0 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"},
		"memory": {Bad, "", ""},
		"swap":   {Warn, "sudo swapoff /dev/dm-1 /dev/zram0", "sudo swapon /dev/dm-1; sudo swapon -p 100 /dev/zram0"},
		"open-files": {
			Bad, "sudo prlimit --pid $$ --nofile=20000:20000", "sudo prlimit --pid $$ --nofile=256:1024",
		},
		"accept-queue": {Warn, "sudo sysctl -w net.core.somaxconn=4096", "sudo sysctl -w net.core.somaxconn=128"},
		"syn-queue":    {Warn, "sudo sysctl -w net.ipv4.tcp_max_syn_backlog=4096", "sudo sysctl -w net.ipv4.tcp_max_syn_backlog=256"},
		"ports":        {Bad, "sudo sysctl -w net.ipv4.ip_local_port_range='10240 65535'", "sudo sysctl -w net.ipv4.ip_local_port_range='60001 65000'"},
		"port-reuse":   {Warn, "sudo sysctl -w net.ipv4.tcp_tw_reuse=2", "sudo sysctl -w net.ipv4.tcp_tw_reuse=0"},
		"time-wait":    {Warn, "sleep 60", ""},
		"isolation":    {OK, "", ""},
		"mitigations":  {OK, "", ""},
	} {
		c := all[name]
		assert.Equal(t, want.state, c.State, c)
		assert.Equal(t, want.mend, c.Mend)
		assert.Equal(t, want.restore, c.Restore)
		delete(all, name)
	}
	assert.Empty(t, all)
	assert.Contains(t, m.memory().Finding, "100.0 MiB of memory are left in the control group")
	assert.Contains(t, m.portReuse().Finding, "(83 connections a second at most)")
	assert.Contains(t, m.steal().Finding, "no hypervisor is to be seen; 1.5%")
	assert.Contains(t, m.others().Finding, "used 30% of the cores 0-1 for 1.0 s; load average 3.50; a task waited for a core 40%")
	assert.Contains(t, m.isolation().Finding, ": 3")
	assert.Contains(t, m.mitigations().Finding, "meltdown; left open: mds")
}

// TestChecksAfterARun: what is left of a run, and what a gate would not let pass, is marked.
func TestChecksAfterARun(t *testing.T) {
	with := func(busy time.Duration, percent float64) State {
		m := &machine{Tree: waiting(recorded(t, "vm.txtar"), percent), allowed: []int{0, 1}, sampled: time.Second}
		m.noise = host.Noise{User: busy, Idle: 2*time.Second - busy}
		return m.others().State
	}
	assert.Equal(t, OK, with(60*time.Millisecond, 5))
	assert.Equal(t, Warn, with(60*time.Millisecond, 20), "a task waited for a core 20% of the time")
	assert.Equal(t, Bad, with(60*time.Millisecond, 60))
	assert.Equal(t, Warn, with(120*time.Millisecond, 0))
	assert.Equal(t, Bad, with(time.Duration(host.MaxNoise*float64(2*time.Second)), 0), "the gate's own threshold")
	sockets := func(timeWait, reuse string) State {
		files := recorded(t, "vm.txtar")
		files["proc/net/sockstat"] = &fstest.MapFile{Data: []byte("TCP: inuse 4 orphan 0 tw " + timeWait + " alloc 9 mem 1\n")}
		files["proc/sys/net/ipv4/tcp_tw_reuse"] = &fstest.MapFile{Data: []byte(reuse + "\n")}
		return (&machine{Tree: host.Tree{FS: files}}).timeWait().State
	}
	for _, reuse := range []string{"2", "0"} {
		assert.Equal(t, OK, sockets("7000", reuse))
		assert.Equal(t, Warn, sockets("7100", reuse), "a quarter of 28,232 ports")
	}
	assert.Equal(t, Warn, sockets("43477", "2"), "154% of the ports")
	assert.Equal(t, Bad, sockets("43477", "0"))
}

// TestChecksOfSingles looks at what the two machines do not show.
func TestChecksOfSingles(t *testing.T) {
	m := func() *machine {
		return &machine{Tree: host.Tree{FS: recorded(t, "laptop.txtar")}, allowed: []int{0, 1, 2, 3}, noise: quietNoise(), hard: 1024}
	}
	put := func(name, content string) *machine {
		one := m()
		one.FS.(fstest.MapFS)[name] = &fstest.MapFile{Data: []byte(content)}
		return one
	}
	one := m()
	one.allowed = []int{2}
	c := one.cores()
	assert.Equal(t, []string{string(Bad), "taskset -pc 0-3 $$", "taskset -pc 2 $$"}, []string{string(c.State), c.Mend, c.Restore})
	assert.Equal(t, Unknown, one.siblings().State)
	one.FS.(fstest.MapFS)["sys/fs/cgroup/inner/cpuset.cpus.effective"] = &fstest.MapFile{Data: []byte("2\n")}
	c = one.cores()
	assert.Equal(t, Bad, c.State)
	assert.Empty(t, c.Mend, "the control group has no second core")

	assert.Equal(t, OK, put("sys/fs/cgroup/cpu.max", "max 100000").quota().State)
	assert.Equal(t, Warn, put("sys/fs/cgroup/cpu.max", "400000 100000").quota().State, "enough, but it can throttle")
	assert.Contains(t, put("sys/fs/cgroup/inner/cpu.max", "50000 100000").quota().Mend, "/inner/cpu.max", "the inner of two is the tighter")
	assert.NotContains(t, put("sys/fs/cgroup/inner/cpu.max", "300000 100000").quota().Mend, "/inner/cpu.max", "the outer of two is the tighter")
	c = put("proc/self/mountinfo", "30 24 0:26 /box /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n").quota()
	assert.Equal(t, Bad, c.State)
	assert.Empty(t, c.Mend, "mounted read-only")
	named := put("proc/self/mountinfo", `30 24 0:26 / /cg\040$(id) rw - cgroup2 cgroup rw`+"\n")
	named.FS.(fstest.MapFS)["cg $(id)/cpu.max"] = &fstest.MapFile{Data: []byte("100000 100000\n")}
	assert.Equal(t, "echo max | sudo tee '/cg $(id)/cpu.max'", named.quota().Mend, "no name is a command")

	assert.Equal(t, OK, put("sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock").clock().State)
	assert.Equal(t, Warn, put("sys/devices/system/clocksource/clocksource0/current_clocksource", "xen").clock().State)
	assert.Equal(t, OK, put("sys/devices/system/cpu/intel_pstate/no_turbo", "1").turbo().State)
	assert.Equal(t, OK, put("proc/sys/net/ipv4/tcp_syncookies", "1").synQueue().State)
	assert.Equal(t, OK, put("proc/sys/net/ipv4/ip_local_port_range", "32768 60999").ports().State)
	reuse := put("proc/sys/net/ipv4/tcp_timestamps", "0")
	reuse.FS.(fstest.MapFS)["proc/sys/net/ipv4/tcp_tw_reuse"] = &fstest.MapFile{Data: []byte("2\n")}
	assert.Equal(t, "sudo sysctl -w net.ipv4.tcp_timestamps=1", reuse.portReuse().Mend)
	assert.Empty(t, put("proc/meminfo", "MemAvailable: 1100000 kB\n").swap().Mend, "no room for what would come back")
	one = m()
	one.hard = 1 << 20
	assert.Equal(t, OK, one.openFiles().State)
	one.noise = host.Noise{Steal: 200 * time.Millisecond, Idle: 1800 * time.Millisecond}
	assert.Equal(t, Bad, one.steal().State)
	governors := m()
	for cpu := range 4 {
		governors.FS.(fstest.MapFS)["sys/devices/system/cpu/cpu"+string(rune('0'+cpu))+"/cpufreq/scaling_governor"] = &fstest.MapFile{Data: []byte("powersave\n")}
	}
	assert.Equal(t, "echo powersave | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", governors.governor().Restore)
}

// TestChecksOfNothing: what cannot be read is unknown, and never well.
func TestChecksOfNothing(t *testing.T) {
	all := of(t, &machine{Tree: host.Tree{FS: fstest.MapFS{}}, noiseErr: os.ErrNotExist})
	for name, c := range all {
		switch name {
		case "cores":
			assert.Equal(t, Bad, c.State)
		case "isolation", "swap": // no file means none
			assert.Equal(t, OK, c.State)
		default:
			assert.Equal(t, Unknown, c.State, name)
		}
	}
}

func TestChecksHere(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	all := Checks(ctx)
	require.Len(t, all, len(checks))
	SortChecks(all)
	order := []State{Bad, Warn, Unknown, OK}
	assert.True(t, slices.IsSortedFunc(all, func(a, b Check) int {
		return slices.Index(order, a.State) - slices.Index(order, b.State)
	}), all)
}

// TestMendAndRestore spoils settings of a network namespace, gives the
// commands that the checks name to a shell, and wants all as it was.
func TestMendAndRestore(t *testing.T) {
	if _, err := exec.LookPath("sysctl"); err != nil {
		t.Skip("needs sysctl")
	}
	if !inNamespace(t) {
		return
	}
	spoilt := map[string]string{
		"core/somaxconn": "100", "ipv4/tcp_syncookies": "0", "ipv4/tcp_max_syn_backlog": "200",
		"ipv4/ip_local_port_range": "40000\t44999", "ipv4/tcp_tw_reuse": "0",
	}
	const dir = "/proc/sys/net/"
	for name, value := range spoilt {
		if err := os.WriteFile(dir+name, []byte(value), 0o644); err != nil {
			t.Skipf("settings of a new namespace: %v", err)
		}
	}
	m := &machine{Tree: host.System, root: true}
	looked := []func() Check{m.acceptQueue, m.synQueue, m.ports, m.portReuse}
	var restore []string
	for _, check := range looked {
		c := check()
		require.NotEqual(t, OK, c.State, c)
		shell(t, c.Mend)
		assert.Equal(t, OK, check().State, check())
		restore = append(restore, c.Restore)
	}
	shell(t, strings.Join(restore, "\n"))
	for name, value := range spoilt {
		assert.Equal(t, value, m.Text("proc/sys/net/"+name), name)
	}
}

func shell(t *testing.T, command string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-ec", command).CombinedOutput()
	require.NoError(t, err, "%s: %s", command, out)
}

// FuzzChecks gives one of the files any content.
func FuzzChecks(f *testing.F) {
	tree := recorded(f, "laptop.txtar")
	var names []string
	for name := range tree {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		f.Add(i, tree[name].Data)
	}
	f.Fuzz(func(t *testing.T, i int, content []byte) {
		tree := recorded(t, "laptop.txtar")
		tree[names[uint(i)%uint(len(names))]] = &fstest.MapFile{Data: content}
		of(t, &machine{Tree: host.Tree{FS: tree}, allowed: []int{0, 2}, soft: 1024, hard: 1024, parent: 77, noise: quietNoise(), sampled: time.Second})
	})
}
