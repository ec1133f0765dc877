//go:build linux

package enginetest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	library "github.com/tsenart/vegeta/v12/lib"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/null"
	"github.com/hellobench/hellobench/internal/load/vegeta"
	"github.com/hellobench/hellobench/internal/load/wire"
)

// A server and a generator are each a process of its own: in the test's process
// they would share the scheduler, and a process is pinned as a whole.
const roleVariable = "HELLOBENCH_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "pinned":
		if err = pinToOne(); err == nil {
			os.Exit(m.Run())
		}
	case "server":
		err = serveNull(os.Args[1])
	case "load":
		err = generate(os.Args[1])
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// pinToOne keeps this process on one core.
func pinToOne() error {
	cpus, err := host.Allowed()
	if err != nil {
		return err
	}
	return host.PinProcess(cpus[len(cpus)-1:])
}

// TestPinned runs the open loops of the suite again on one core, where the Go
// scheduler has one processor for the engine and the servers together.
func TestPinned(t *testing.T) {
	if os.Getenv(roleVariable) != "" {
		t.Skip("this is the pinned process")
	}
	cmd := role(t, "pinned", "-test.run=^(TestVegeta|TestWire)$/^(open_loop|empty_schedule|coordinated_omission|first_byte|late_bytes|silent_ends|cancel)$")
	cmd.Stderr = nil
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.NotContains(t, string(out), "no tests to run")
}

// serveNull runs the null server on a core until its standard input ends.
func serveNull(cpus string) error {
	cores, err := host.ParseCPUs(cpus)
	if err != nil {
		return err
	}
	s, err := null.Start(context.Background(), null.Options{CPUs: cores})
	if err != nil {
		return err
	}
	_, _ = fmt.Println(s.URL())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends, however it ends
	return nil
}

// job is one window of one generator.
type job struct {
	Engine   string // wire, vegeta, or stock: the library as it comes
	URL      string
	Rate     float64
	Poisson  bool
	Duration time.Duration
	CPUs     []int // none: not pinned

	Connections int // open before; 0: as many as it takes
}

// seen is what a generator read.
type seen struct {
	P50, P90, P99 time.Duration
	OK            uint64
	Delivered     float64
}

// generate runs a job and prints what it read.
func generate(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	if err := host.PinProcess(j.CPUs); err != nil {
		return err
	}
	see := j.window
	if j.Engine == "stock" {
		see = j.stock
	}
	out, err := see()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// stock uses the library as its README does. Latency counts from the send there.
func (j *job) stock() (*seen, error) {
	attacker := library.NewAttacker()
	targets := library.NewStaticTargeter(library.Target{Method: "GET", URL: j.URL})
	var all []time.Duration
	for r := range attacker.Attack(targets, library.ConstantPacer{Freq: int(j.Rate), Per: time.Second}, j.Duration, "") {
		if r.Error != "" {
			return nil, fmt.Errorf("stock vegeta: %s", r.Error)
		}
		all = append(all, r.Latency)
	}
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[int(q*float64(len(all)))] }
	return &seen{P50: at(0.5), P90: at(0.9), P99: at(0.99), OK: uint64(len(all)), Delivered: float64(len(all)) / (j.Rate * j.Duration.Seconds())}, nil
}

func (j *job) window() (*seen, error) {
	var engine load.Engine = vegeta.New(vegeta.Options{})
	if j.Engine == "wire" {
		engine = wire.New()
	}
	m, err := engine.Run(context.Background(), load.Spec{
		Exchanges: http1.Get(j.URL), Connections: j.Connections, Duration: j.Duration, CPUs: j.CPUs,
		Schedule: &load.Schedule{Rate: j.Rate, Poisson: j.Poisson, Seed: 1},
	})
	if err != nil {
		return nil, err
	}
	if m.Errors.Total() > 0 {
		return nil, fmt.Errorf("%v: %s", m.Errors, m.FirstError)
	}
	h, err := m.Latency.Histogram()
	if err != nil {
		return nil, err
	}
	return &seen{P50: h.Quantile(0.5), P90: h.Quantile(0.9), P99: h.Quantile(0.99), OK: m.OK, Delivered: m.Delivered()}, nil
}

// role starts this test binary in a role.
func role(t *testing.T, name, arg string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], arg)
	cmd.Env = append(os.Environ(), roleVariable+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

// nullServer starts a null server on a core and returns its URL and process.
func nullServer(t *testing.T, cpu int) (string, *os.Process) {
	t.Helper()
	cmd := role(t, "server", host.FormatCPUs([]int{cpu}))
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line), cmd.Process
}

// see runs a job in a process of its own.
func see(t *testing.T, j job) *seen {
	t.Helper()
	text, err := json.Marshal(j)
	require.NoError(t, err)
	out, err := role(t, "load", string(text)).Output()
	require.NoError(t, err)
	var s seen
	require.NoError(t, json.Unmarshal(out, &s))
	return &s
}

// strict says whether the machine is said to be quiet.
func strict() bool { return os.Getenv("HELLOBENCH_TRUTH") == "1" }

// attempts is how often a comparison is made: other work on the machine can
// spoil one, an engine that errs spoils all.
const attempts = 5

// atLeastOnce requires that try finds nothing wrong once.
func atLeastOnce(t *testing.T, try func() string) {
	t.Helper()
	wrong := ""
	for range attempts {
		if wrong = try(); wrong == "" {
			return
		}
		t.Log(wrong)
	}
	t.Errorf("all %d attempts failed, the last: %s", attempts, wrong)
}

// misread says what is wrong if got is not within the share or the slack of want.
func misread(what string, got, want time.Duration, share float64, slack time.Duration) string {
	if apart := (got - want).Abs(); apart > max(time.Duration(share*float64(want)), slack) {
		return fmt.Sprintf("%s is %v and should be %v; ", what, got, want)
	}
	return ""
}

// twoCores are a core for the server and one for the generator.
func twoCores(t *testing.T) (server, generator int) {
	t.Helper()
	cpus, err := host.Allowed()
	require.NoError(t, err)
	if len(cpus) < 2 {
		t.Skip("needs two cores")
	}
	return cpus[0], cpus[1]
}

// TestOpenLoopsReadAlike holds both engines against the library as it comes, at
// each rate, kind of arrivals and pinning: nobody may read what the others do
// not. On a quiet machine the medians are within 5% or 50 us; elsewhere the test
// still tells the milliseconds of an engine that keeps its only processor.
func TestOpenLoopsReadAlike(t *testing.T) {
	serverCPU, generatorCPU := twoCores(t)
	url, _ := nullServer(t, serverCPU)
	rates, duration, share, slack := []float64{1000, 5000}, 400*time.Millisecond, 0.2, time.Millisecond
	if strict() {
		rates, duration, share, slack = []float64{200, 1000, 5000, 15000}, 2*time.Second, 0.05, 50*time.Microsecond
	}
	for name, cpus := range map[string][]int{"pinned": {generatorCPU}, "not pinned": nil} {
		for _, rate := range rates {
			for _, poisson := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %g/s, poisson %v", name, rate, poisson), func(t *testing.T) {
					atLeastOnce(t, func() (wrong string) {
						j := job{URL: url, Rate: rate, Poisson: poisson, Duration: duration, CPUs: cpus}
						got := map[string]*seen{}
						for _, j.Engine = range []string{"stock", "vegeta", "wire"} {
							got[j.Engine] = see(t, j)
						}
						stock, ours, own := got["stock"], got["vegeta"], got["wire"]
						t.Logf("p50 %v (stock), %v (vegeta), %v (wire); p90 %v, %v, %v", stock.P50, ours.P50, own.P50, stock.P90, ours.P90, own.P90)
						// What sleeps between requests has to be woken for each response, so the
						// truth lies between what wire reads, which polls, and what the library does.
						most := stock.P50
						if stock.Delivered < 0.99 { // one core is not enough for the library as it comes
							most = own.P50 + slack
							delete(got, "stock")
						}
						if most += max(time.Duration(share*float64(most)), slack); ours.P50 > most || ours.P50 < own.P50-slack {
							wrong = fmt.Sprintf("p50 of vegeta is %v, and should be %v to %v; ", ours.P50, own.P50-slack, most)
						}
						for engine, s := range got {
							if s.Delivered < 0.99 {
								wrong += fmt.Sprintf("%s sent %.1f%%; ", engine, 100*s.Delivered)
							}
						}
						return wrong
					})
				})
			}
		}
	}
}

// TestPinnedStall stops a server for S in a window of T, with the generator on
// one core: the share S/T of the requests is late, by times that are uniform in
// 0 to S, so that Q(p) = S - (1-p)T.
func TestPinnedStall(t *testing.T) {
	serverCPU, generatorCPU := twoCores(t)
	stall, window, share := 300*time.Millisecond, 1500*time.Millisecond, 0.25
	if strict() {
		stall, window, share = time.Second, 5*time.Second, 0.05
	}
	for _, engine := range []string{"vegeta", "wire"} {
		t.Run(engine, func(t *testing.T) {
			atLeastOnce(t, func() (wrong string) {
				url, process := nullServer(t, serverCPU)
				stopped := make(chan error, 1)
				go func() {
					time.Sleep(window / 4)
					stop := process.Signal(syscall.SIGSTOP)
					time.Sleep(stall)
					stopped <- errors.Join(stop, process.Signal(syscall.SIGCONT))
				}()
				// The connections are open before: to accept them takes the server longer than to answer.
				connections := int(1.1 * 2500 * stall.Seconds())
				got := see(t, job{Engine: engine, URL: url, Rate: 2500, Connections: connections, Duration: window, CPUs: []int{generatorCPU}})
				require.NoError(t, <-stopped)
				for p, q := range map[float64]time.Duration{0.9: got.P90, 0.99: got.P99} {
					wrong += misread(fmt.Sprintf("p%g", 100*p), q, stall-time.Duration((1-p)*float64(window)), share, 0)
				}
				return wrong
			})
		})
	}
}
