package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/record"
)

// lab is hosts that are network namespaces of this machine, each with an OpenSSH server
// that lets us in, and a link to a network of their own with ours.
type lab struct {
	dir   string
	net   string // the first two parts of its addresses
	hosts []string
}

// newLab makes hosts a, b, and so on.
func newLab(t *testing.T, n int) *lab {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	for _, tool := range []string{"ip", "ssh", "ssh-keygen", "/usr/sbin/sshd"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%v", err)
		}
	}
	cores, err := host.Allowed()
	require.NoError(t, err)
	if len(cores) < 2 {
		t.Skip("each host needs a core of its own")
	}
	l := &lab{dir: t.TempDir(), net: fmt.Sprintf("10.%d", 64+os.Getpid()%128)}
	for _, key := range []string{"host", "user"} {
		l.do(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(l.dir, key))
	}
	require.NoError(t, os.MkdirAll("/run/sshd", 0o755)) // where sshd goes to be harmless
	bridge := fmt.Sprintf("hbr%d", os.Getpid())
	if out, err := exec.CommandContext(t.Context(), "ip", "link", "add", bridge, "type", "bridge").CombinedOutput(); err != nil {
		t.Skipf("this container may make no network: %s", out)
	}
	t.Cleanup(func() { l.do(t, "ip", "link", "del", bridge) })
	l.do(t, "ip", "addr", "add", l.net+".0.1/24", "dev", bridge)
	l.do(t, "ip", "link", "set", bridge, "up")
	config := ""
	for i := range n {
		name, address := string(rune('a'+i)), fmt.Sprintf("%s.0.%d", l.net, 2+i)
		space, link := fmt.Sprintf("hb%d%s", os.Getpid(), name), fmt.Sprintf("hbv%d%s", os.Getpid(), name)
		l.hosts = append(l.hosts, space)
		l.do(t, "ip", "netns", "add", space)
		t.Cleanup(func() { l.do(t, "ip", "netns", "del", space) })
		l.do(t, "ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
		l.do(t, "ip", "link", "set", link, "master", bridge, "up")
		l.do(t, "ip", "-n", space, "addr", "add", address+"/24", "dev", "eth0")
		l.do(t, "ip", "-n", space, "link", "set", "eth0", "up")
		l.do(t, "ip", "-n", space, "link", "set", "lo", "up")
		config += fmt.Sprintf("Host %s\nHostName %s\n", name, address)
		l.serve(t, space, address)
	}
	config += fmt.Sprintf("Host *\nPort 2222\nIdentityFile %[1]s/user\nIdentitiesOnly yes\nUserKnownHostsFile %[1]s/known\nStrictHostKeyChecking no\nLogLevel ERROR\n", l.dir)
	require.NoError(t, os.WriteFile(filepath.Join(l.dir, "config"), []byte(config), 0o600))
	t.Setenv("HELLOBENCH_SSH", "ssh -F "+filepath.Join(l.dir, "config"))
	return l
}

// serve runs an OpenSSH server in a namespace.
func (l *lab) serve(t *testing.T, space, address string) {
	t.Helper()
	sshd := exec.CommandContext(context.Background(), "ip", "netns", "exec", space, "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null",
		"-o", "ListenAddress="+address, "-o", "Port=2222", "-o", "HostKey="+filepath.Join(l.dir, "host"), "-o", "AuthorizedKeysFile="+filepath.Join(l.dir, "user.pub"),
		"-o", "StrictModes=no", "-o", "UsePAM=no", "-o", "PidFile=none", "-o", "PermitRootLogin=yes", "-o", "PasswordAuthentication=no")
	var said bytes.Buffer
	sshd.Stdout, sshd.Stderr = &said, &said
	require.NoError(t, sshd.Start())
	t.Cleanup(func() {
		_ = sshd.Process.Kill()
		_ = sshd.Wait()
	})
	eventually(t, "sshd listens", func() bool {
		return exec.CommandContext(t.Context(), "ip", "netns", "exec", space, "sh", "-c", "exec 3<>/dev/tcp/"+address+"/2222").Run() == nil ||
			strings.Contains(said.String(), "listening")
	})
}

func (l *lab) do(t *testing.T, argv ...string) {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), argv[0], argv[1:]...).CombinedOutput()
	require.NoError(t, err, "%v: %s", argv, out)
}

// programs are the command lines of what runs in a host but for its sshd.
func (l *lab) programs(t *testing.T, i int) (all []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ip", "netns", "pids", l.hosts[i]).Output()
	require.NoError(t, err)
	for pid := range strings.FieldsSeq(string(out)) {
		line, err := os.ReadFile("/proc/" + pid + "/cmdline")
		if text := strings.ReplaceAll(string(line), "\x00", " "); err == nil && text != "" && !strings.Contains(text, "sshd") {
			all = append(all, text)
		}
	}
	return all
}

// remoteProfile compares two real servers, shortly.
const remoteProfile = `schema: 1
name: apart
description: Two servers on another machine.
arms: [node-http, asyncio]
connections: [1, 16]
idle: [{rate: 500, connections: 50}]
window: 200ms
passes: 2
warmup: 300ms
timeout: 2s
blocks: {min: 1, max: 1}
`

func (l *lab) run(t *testing.T, name string, args ...string) (dir, said string) {
	t.Helper()
	profile := filepath.Join(l.dir, "apart.yaml")
	require.NoError(t, os.WriteFile(profile, []byte(remoteProfile), 0o644))
	dir = filepath.Join(l.dir, name)
	out, err := exec.CommandContext(t.Context(), binary, append([]string{"run", "--profile", profile, "--seed", "1", "--out", dir}, args...)...).CombinedOutput()
	if err != nil {
		require.ErrorContains(t, err, "exit status 4", "too disturbed by other tests: %s", out)
	}
	return dir, string(out)
}

// flawless are the trials of a run, none of which failed.
func flawless(t *testing.T, dir string) (*record.Run, []record.Trial) {
	t.Helper()
	run, err := record.ReadRun(dir)
	require.NoError(t, err)
	assert.Equal(t, record.Complete, run.State)
	trials, err := record.TrialsOf(dir, run)
	require.NoError(t, err)
	for i := range trials {
		require.Empty(t, trials[i].Failure, trials[i].Arm)
		for k := range trials[i].Windows {
			w := &trials[i].Windows[k]
			assert.Zero(t, w.Load.Errors.Total(), "%s at %v: %s", trials[i].Arm, w.Level, w.Load.FirstError)
			assert.Positive(t, w.Load.OK)
			if !w.Warmup {
				assert.Positive(t, w.Server.CPU.Total(), "%s at %v: processor time is read over there", trials[i].Arm, w.Level)
			}
		}
	}
	return run, trials
}

// median of an arm's windows at one connection, or at the fixed rate.
func median(t *testing.T, trials []record.Trial, arm string, kind record.Kind, of func(*record.Window) float64) float64 {
	t.Helper()
	var all []float64
	for i := range trials {
		for k := range trials[i].Windows {
			if w := &trials[i].Windows[k]; trials[i].Arm == arm && !w.Warmup && w.Level.Kind() == kind && w.Level.Connections <= 1 {
				all = append(all, of(w))
			}
		}
	}
	require.NotEmpty(t, all)
	slices.Sort(all)
	return all[len(all)/2]
}

func p50(w *record.Window) float64 { return float64(*w.Load.Latency.P50) / 1e6 }

func cpu(w *record.Window) float64 {
	return float64(w.Server.CPU.Total()) / float64(w.Load.Completed) / 1e3
}

// TestServerHost measures servers on another host, with and without a long way to it, and
// loses the connection to it.
func TestServerHost(t *testing.T) {
	l := newLab(t, 1)
	cores, err := host.Allowed()
	require.NoError(t, err)
	pins := []string{"--server-host", "a", "--server-cpus", fmt.Sprint(cores[0]), "--load-cpus", fmt.Sprint(cores[1])}

	near, _ := l.run(t, "near", pins...)
	run, trials := flawless(t, near)
	assert.Equal(t, "a", run.ServerHost)
	assert.Equal(t, l.net+".0.2", run.ServerAddress)
	require.Len(t, run.Generators, 1)
	assert.Positive(t, run.Generators[0].RoundTrip)
	assert.FileExists(t, filepath.Join(near, "logs", "asyncio.log"))
	for i := range trials {
		for k := range trials[i].Windows {
			if w := &trials[i].Windows[k]; w.Level.Kind() == record.Idle {
				assert.Equal(t, 50, w.Held)
			}
		}
	}
	eventually(t, "nothing is left over there", func() bool { return len(l.programs(t, 0)) == 0 })
	assert.Greater(t, median(t, trials, "asyncio", record.Closed, cpu)/median(t, trials, "node-http", record.Closed, cpu), 1.2, "Node.js needs less there, too")

	t.Run("far", func(t *testing.T) {
		const delay = time.Millisecond                  // each way
		require.NoError(t, host.PinProcess(cores[1:2])) // the servers' core is theirs
		defer func() { require.NoError(t, host.PinProcess(cores)) }()
		address := l.lengthen(t, 0, delay)
		far, _ := l.run(t, "far", append(slices.Clone(pins), "--server-address", address)...)
		run, late := flawless(t, far)
		added := median(t, late, "node-http", record.Closed, p50) - median(t, trials, "node-http", record.Closed, p50)
		before, after := median(t, trials, "node-http", record.Idle, cpu), median(t, late, "node-http", record.Idle, cpu)
		t.Logf("latency +%.3f ms where the way is %v longer; round trip %v; CPU a request at the same rate: %.0f us, %.0f us without the relay", added, 2*delay, run.Generators[0].RoundTrip, after, before)
		assert.InDelta(t, 2, added, 1) // to sleep and to wake takes its time, too
		assert.InDelta(t, 2, run.Generators[0].RoundTrip.Seconds()*1e3, 1)
	})

	t.Run("lost", func(t *testing.T) {
		dir := filepath.Join(l.dir, "lost")
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"run", "--profile", filepath.Join(l.dir, "apart.yaml"), "--seed", "1", "--blocks", "2", "--out", dir}, pins...)...)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		require.NoError(t, cmd.Start())
		eventuallyWithin(t, time.Minute, "a block is measured", func() bool {
			run, err := record.ReadRun(dir)
			if err != nil {
				return false
			}
			trials, err := record.TrialsOf(dir, run)
			return err == nil && len(trials) > 0
		})
		ssh := childCalled(t, cmd.Process.Pid, "ssh")
		require.NoError(t, syscall.Kill(ssh, syscall.SIGKILL))
		err := cmd.Wait()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, said.String())
		assert.Equal(t, 1, exit.ExitCode(), said.String())
		assert.Contains(t, said.String(), "the connection to a was lost")
		assert.Contains(t, said.String(), "run --resume "+dir)
		assert.NotContains(t, said.String(), "FAILED", "no server did")
		eventually(t, "nothing is left over there", func() bool { return len(l.programs(t, 0)) == 0 })
		out, err := exec.CommandContext(t.Context(), binary, "run", "--resume", dir).CombinedOutput()
		if err != nil {
			require.ErrorContains(t, err, "exit status 4", "too disturbed by other tests: %s", out)
		}
		run, trials := flawless(t, dir)
		planned := 0
		for i := range run.Plan {
			planned += len(run.Plan[i].Trials)
		}
		assert.Len(t, trials, planned)
	})
}

// TestLoadHosts has two hosts load servers on a third one.
func TestLoadHosts(t *testing.T) {
	l := newLab(t, 3)
	cores, err := host.Allowed()
	require.NoError(t, err)
	dir, _ := l.run(t, "shared", "--server-host", "a", "--load-host", "b,c", "--server-cpus", fmt.Sprint(cores[0]), "--load-cpus", fmt.Sprint(cores[1]))
	run, trials := flawless(t, dir)
	require.Len(t, run.Generators, 2)
	assert.Equal(t, []string{"b", "c"}, run.LoadHosts())
	for i := range trials {
		for k := range trials[i].Windows {
			w := &trials[i].Windows[k]
			assert.Equal(t, w.Level.Connections, w.Load.Connections)
			assert.Equal(t, w.Load.Requests, w.Load.OK)
			assert.EqualValues(t, w.Load.OK, w.Load.Latency.Count)
		}
	}
	run.State, run.End = record.Running, time.Time{} // as after a kill behind the last block
	require.NoError(t, record.WriteRun(dir, run))
	out, err := exec.CommandContext(t.Context(), binary, "run", "--resume", dir).CombinedOutput()
	if err != nil {
		require.ErrorContains(t, err, "exit status 4", "%s", out)
	}
	_, same := flawless(t, dir)
	assert.Len(t, same, len(trials))
	for i := range l.hosts {
		eventually(t, "nothing is left over there", func() bool { return len(l.programs(t, i)) == 0 })
	}
}

func eventuallyWithin(t *testing.T, patience time.Duration, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(20 * time.Millisecond) {
		require.True(t, time.Now().Before(end), what)
	}
}

// childCalled is the child of a process that runs a program.
func childCalled(t *testing.T, parent int, name string) (pid int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-o", "pid=,comm=", "--ppid", fmt.Sprint(parent)).Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		var comm string
		if _, err := fmt.Sscan(line, &pid, &comm); err == nil && comm == name {
			return pid
		}
	}
	t.Fatalf("no child %s among %s", name, out)
	return 0
}

// lengthen gives a host another address, to which every packet takes so much longer each
// way: two interfaces whose packets pass through this process.
func (l *lab) lengthen(t *testing.T, i int, delay time.Duration) (address string) {
	t.Helper()
	here, there := openTun(t, "hbh0"), openTun(t, "hbt0")
	l.do(t, "ip", "link", "set", "hbt0", "netns", l.hosts[i])
	l.do(t, "ip", "addr", "add", l.net+".1.1/24", "dev", "hbh0")
	l.do(t, "ip", "link", "set", "hbh0", "up")
	l.do(t, "ip", "-n", l.hosts[i], "addr", "add", l.net+".1.2/24", "dev", "hbt0")
	l.do(t, "ip", "-n", l.hosts[i], "link", "set", "hbt0", "up")
	var done sync.WaitGroup
	t.Cleanup(func() {
		_ = here.Close()
		_ = there.Close()
		done.Wait()
	})
	for _, way := range [][2]*os.File{{here, there}, {there, here}} {
		done.Go(func() { carry(way[0], way[1], delay) })
	}
	return l.net + ".1.2"
}

// carry takes packets from one interface to another, each that much later.
func carry(from, to *os.File, delay time.Duration) {
	type packet struct {
		due  time.Time
		data []byte
	}
	queue := make(chan packet, 10_000)
	var done sync.WaitGroup
	done.Go(func() {
		for p := range queue {
			time.Sleep(time.Until(p.due))
			_, _ = to.Write(p.data) // a packet may be lost
		}
	})
	for {
		data := make([]byte, 65536)
		n, err := from.Read(data)
		if errors.Is(err, os.ErrClosed) {
			break
		}
		if err == nil {
			queue <- packet{time.Now().Add(delay), data[:n]}
		}
	}
	close(queue)
	done.Wait()
}

func openTun(t *testing.T, name string) *os.File {
	t.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("open /dev/net/tun: %v", err)
	}
	request, err := unix.NewIfreq(name)
	require.NoError(t, err)
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	require.NoError(t, ioctl(fd, unix.TUNSETIFF, request))
	return os.NewFile(uintptr(fd), name)
}

func ioctl(fd int, request uint, ifreq *unix.Ifreq) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(ifreq))); errno != 0 {
		return errno
	}
	return nil
}
