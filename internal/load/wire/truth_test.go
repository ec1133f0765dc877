//go:build linux

package wire

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// The truth suite: what is measured against what is known to be right. It
// takes minutes and wants a machine that has little else to do, so it runs
// only where HELLOBENCH_TRUTH is set.
func truth(t *testing.T) {
	t.Helper()
	if os.Getenv("HELLOBENCH_TRUTH") == "" {
		t.Skip("HELLOBENCH_TRUTH is not set")
	}
}

// attempts is how often a comparison is repeated: other work on the machine
// can spoil one, a systematic error spoils all.
const attempts = 5

// oneOf requires that try, which says what is wrong, finds nothing at least
// once, unless the machine turns out to be busy with something else.
func oneOf(t *testing.T, try func() string) {
	t.Helper()
	var wrong string
	for range attempts {
		if wrong = try(); wrong == "" {
			return
		}
		t.Log(wrong)
	}
	if p := cpuPressure(); p > 10 {
		t.Skipf("somebody waited for a core in %g%% of the last 10 s; the last attempt: %s", p, wrong)
	}
	t.Errorf("all %d attempts failed, the last: %s", attempts, wrong)
}

// cpuPressure is the share of the last 10 s, in percent, in which a thread was
// ready and had no core; 0 where the kernel does not tell.
func cpuPressure() (percent float64) {
	text, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "avg10=")
	number, _, _ := strings.Cut(rest, " ")
	percent, err = strconv.ParseFloat(number, 64)
	if err != nil {
		return 0
	}
	return percent
}

// near says what is wrong if got is neither within the share nor within slack of want.
func near(what string, got, want time.Duration, share float64, slack time.Duration) string {
	allowed := max(time.Duration(share*float64(want)), slack)
	if d := got - want; d > allowed || d < -allowed {
		return what + " is " + got.String() + ", true is " + want.String() + "; "
	}
	return ""
}

func TestTruthPercentiles(t *testing.T) {
	truth(t)
	for _, delay := range []string{"constant", "exponential", "bimodal", "pareto"} {
		for _, cpus := range [][]int{generatorCPUs(t), nil} {
			t.Run(fmt.Sprintf("%s, on cores %v", delay, cpus), func(t *testing.T) { truthPercentiles(t, delay, cpus) })
		}
	}
}

func truthPercentiles(t *testing.T, delay string, cpus []int) {
	t.Helper()
	rate := &load.Schedule{Rate: 1500, Poisson: true, Seed: 3}
	oneOf(t, func() (wrong string) {
		s := startTimed(t, delay)
		// The connections are open before: to open one is no part of the truth.
		m := measure(t, load.Spec{Exchanges: http1.Get(s.url), Connections: 300, Duration: 7 * time.Second, Schedule: rate, CPUs: cpus})
		took := s.stop(t)
		require.Zero(t, m.Errors, m.FirstError)
		h, err := m.Latency.Histogram()
		require.NoError(t, err)
		for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
			wrong += near("p"+strconv.FormatFloat(100*q, 'g', -1, 64), h.Quantile(q), took.Quantile(q), 0.01, 50*time.Microsecond)
		}
		t.Logf("p50 %v (%v), p99 %v (%v), p99.9 %v (%v)", h.Quantile(0.5), took.Quantile(0.5), h.Quantile(0.99), took.Quantile(0.99), h.Quantile(0.999), took.Quantile(0.999))
		return wrong
	})
}

// generatorCPUs are the cores that a timed server leaves free.
func generatorCPUs(t *testing.T) []int {
	t.Helper()
	cpus, err := host.Allowed()
	require.NoError(t, err)
	return cpus[min(1, len(cpus)-1):]
}

// start starts this test binary in a role and returns its first line.
func start(t *testing.T, role string, args ...string) (cmd *exec.Cmd, stdin io.Closer, stdout io.Reader, line string) {
	t.Helper()
	// Not the test's context: that ends before the clean-up, which asks nicely.
	cmd = exec.CommandContext(context.Background(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	buffered := bufio.NewReader(out)
	line, err = buffered.ReadString('\n')
	require.NoError(t, err)
	return cmd, in, buffered, strings.TrimSpace(line)
}

// spawn starts a role that ends with the test.
func spawn(t *testing.T, role string, args ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd, stdin, stdout, line := start(t, role, args...)
	t.Cleanup(func() {
		_ = stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		assert.NoError(t, cmd.Wait())
	})
	return cmd, line
}

// A server that is stopped for S in a window of T makes the share S/T of the
// requests late, by times that are uniform in 0 to S: Q(p) = S - (1-p)T.
func TestTruthStall(t *testing.T) {
	truth(t)
	cmd, addr := spawn(t, "null", "127.0.0.1:0", "-")
	rate := &load.Schedule{Rate: 1000, Seed: 0}
	oneOf(t, func() string {
		var stopped time.Duration
		var wg sync.WaitGroup
		wg.Add(1)
		go func() {
			defer wg.Done()
			time.Sleep(2 * time.Second)
			began := time.Now()
			_ = cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(time.Second)
			_ = cmd.Process.Signal(syscall.SIGCONT)
			stopped = time.Since(began)
		}()
		// The connections are open before: to accept a thousand takes the server
		// longer than to answer.
		m := measure(t, load.Spec{Exchanges: http1.Get("http://" + addr + "/"), Connections: 1100, Duration: 5 * time.Second, Schedule: rate})
		wg.Wait()
		require.Zero(t, m.Errors, m.FirstError)
		h, err := m.Latency.Histogram()
		require.NoError(t, err)
		t.Logf("p99 %v, p90 %v, stopped for %v", h.Quantile(0.99), h.Quantile(0.9), stopped)
		return near("p99", h.Quantile(0.99), stopped-50*time.Millisecond, 0.02, 0) +
			near("p90", h.Quantile(0.9), stopped-500*time.Millisecond, 0.02, 0)
	})
}

// A closed loop of N connections and a server that takes D gives X = N/D, less
// what each connection has begun and not ended when the window T ends: it
// starts with a fresh request, so it completes T/D - (1-c^2)/2 of them, c being
// D's coefficient of variation (the renewal function's limit; Cox 1962). D
// varies a little, so that the connections do not stay in step, where the last
// round would be counted whole or not at all.
func TestTruthClosedLoop(t *testing.T) {
	truth(t)
	oneOf(t, func() string {
		s := startTimed(t, "uniform")
		const window = 10 * time.Second
		m := measure(t, load.Spec{Exchanges: http1.Get(s.url), Connections: 50, Duration: window, CPUs: generatorCPUs(t)})
		took := s.stop(t)
		require.Zero(t, m.Errors, m.FirstError)
		between := time.Duration(50 / m.Throughput() * float64(time.Second))
		const variation = 20. * 20 / 12 / (50 * 50) // c^2 of 40 to 60 ms, uniform
		rounds := float64(window)/float64(took.Mean()) - (1-variation)/2
		t.Logf("N/X %v, D %v, Little %.4f", between, took.Mean(), m.LittlesLaw())
		require.InDelta(t, 1, m.LittlesLaw(), 0.02)
		return near("N/X", between, time.Duration(float64(window)/rounds), 0.01, 0)
	})
}

// A server that takes one request at a time, D each, under Poisson arrivals is
// M/D/1: the mean wait is rho D / (2(1-rho)), exactly what Lindley's recursion
// gives for the arrivals of this schedule.
func TestTruthQueue(t *testing.T) {
	truth(t)
	const service = 5 * time.Millisecond
	rate := &load.Schedule{Rate: 100, Poisson: true, Seed: 5}
	const window = 20 * time.Second
	oneOf(t, func() string {
		var mu sync.Mutex
		var busy time.Duration
		var served int
		s := serveRaw(t, "127.0.0.1:0", func(p *peer) {
			for p.next() {
				mu.Lock()
				began := time.Now()
				time.Sleep(service - time.Millisecond)
				for time.Since(began) < service { // the scheduler's sleep is too coarse
				}
				busy += time.Since(began)
				served++
				p.send(okResponse)
				mu.Unlock()
			}
		})
		defer s.close()
		m := measure(t, load.Spec{Exchanges: http1.Get(s.url()), Duration: window, Schedule: rate})
		require.Zero(t, m.Errors, m.FirstError)
		took := busy / time.Duration(served)
		want := lindley(rate, window, took)
		rho := 100 * took.Seconds()
		formula := time.Duration((1 + rho/(2*(1-rho))) * float64(took))
		t.Logf("mean %v, Lindley %v, M/D/1 %v, D %v", m.Latency.Mean, want, formula, took)
		return near("mean", m.Latency.Mean, want, 0.03, 0) + near("mean of Lindley", want, formula, 0.1, 0)
	})
}

// lindley is the mean time in a system with one server and service times of d.
func lindley(s *load.Schedule, window, d time.Duration) time.Duration {
	var wait, sum, before time.Duration
	n := time.Duration(0)
	times := s.Times()
	for at := times.Next(); at < window; at = times.Next() {
		if n > 0 {
			wait = max(0, wait+d-(at-before))
		}
		before = at
		sum += wait + d
		n++
	}
	return sum / n
}

// loadAlone runs a window in a process of its own.
func loadAlone(t *testing.T, args ...string) *record.Measurement {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"=load")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	m := new(record.Measurement)
	require.NoError(t, json.Unmarshal(out, m))
	return m
}

func TestTruthSlip(t *testing.T) {
	truth(t)
	_, addr := spawn(t, "null", "127.0.0.1:0", "0")
	oneOf(t, func() string {
		m := loadAlone(t, "http://"+addr+"/", "64", "20000", "3", "1")
		require.Zero(t, m.Errors, m.FirstError)
		t.Logf("slip p50 %v, p99 %v; CPU %v", *m.Slip.P50, *m.Slip.P99, m.CPU.Total())
		return near("slip p50", *m.Slip.P50, 0, 0, 10*time.Microsecond) + near("slip p99", *m.Slip.P99, 0, 0, 100*time.Microsecond)
	})
}

func TestTruthManyConnections(t *testing.T) {
	truth(t)
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	if limit.Cur < 10_100 {
		t.Skipf("%d open files are too few", limit.Cur)
	}
	_, addr := spawn(t, "null", "127.0.0.1:0", "0")
	m := loadAlone(t, "http://"+addr+"/", "10000", "0", "4", "1")
	assert.Equal(t, 10_000, m.Established)
	assert.Zero(t, m.Errors, m.FirstError)
	assert.InDelta(t, 1, m.LittlesLaw(), 0.02)
	t.Logf("%.0f/s, %v of CPU a request", m.Throughput(), m.CPU.Total()/time.Duration(m.Completed))
}

var wrkRate = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)

// wrk and this engine must agree on what a server can do, taken in turns.
func TestTruthAgreesWithWrk(t *testing.T) {
	truth(t)
	wrk, err := exec.LookPath("wrk")
	if err != nil {
		t.Skip("wrk is not installed")
	}
	// The server is the slower side, so that both measure it and not themselves.
	s := startTimed(t, "short")
	defer s.stop(t)
	oneOf(t, func() string {
		var ours, theirs float64
		for range 3 {
			m, err := New().Run(context.Background(), load.Spec{Exchanges: http1.Get(s.url), Connections: 50, Duration: 2 * time.Second})
			require.NoError(t, err)
			ours += m.Throughput()
			out, err := exec.CommandContext(t.Context(), wrk, "-t1", "-c50", "-d2s", s.url).Output()
			require.NoError(t, err)
			rate, err := strconv.ParseFloat(string(wrkRate.FindSubmatch(out)[1]), 64)
			require.NoError(t, err)
			theirs += rate
		}
		t.Logf("wrk %.0f/s, wire %.0f/s", theirs/3, ours/3)
		if r := ours / theirs; r < 0.9 || r > 1.1 {
			return "ratio to wrk " + strconv.FormatFloat(r, 'g', 4, 64)
		}
		return ""
	})
}
