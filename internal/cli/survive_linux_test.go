package cli_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
)

// TestSurvive ends short runs in every way and at random moments, and goes on
// with each in the same folder until it is complete. HELLOBENCH_SURVIVE says
// how often (make survive: 300), HELLOBENCH_SEED makes the same choices again.
func TestSurvive(t *testing.T) {
	faults := number("HELLOBENCH_SURVIVE", 6)
	seed := number("HELLOBENCH_SEED", int(time.Now().Unix()))
	t.Logf("HELLOBENCH_SEED=%d repeats these choices", seed)
	all := newTally()
	for campaign := 0; all.faults < faults && !t.Failed(); campaign++ {
		most := min(10, faults-all.faults)
		t.Run(strconv.Itoa(campaign), func(t *testing.T) {
			s := newSurvival(t, campaign, rand.New(rand.NewPCG(uint64(seed), uint64(campaign))), all)
			for i := 0; i < most && !s.complete && !t.Failed(); i++ {
				s.spoil()
			}
			s.finish()
		})
		t.Logf("%d of %d faults: %v", all.faults, faults, all)
	}
	t.Log(all.table())
}

func number(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return otherwise
}

// survival is one run that is ended again and again. Everything of it is in one
// folder, whose name is in the environment or the command line of each of its
// processes.
type survival struct {
	*testing.T
	home, run string
	begin     []string // the arguments that begin the run
	rng       *rand.Rand
	all       *tally
	journal   []byte // what trials.jsonl held last
	excuses   int    // faults that may have failed a trial
	early     int    // faults before there was a run to go on with
	complete  bool
}

func newSurvival(t *testing.T, campaign int, rng *rand.Rand, all *tally) *survival {
	s := &survival{T: t, home: t.TempDir(), rng: rng, all: all}
	arm, source, install := "stubborn", stubbornServer, "sleep 1"
	if campaign%2 == 0 {
		arm, source, install = "daemon", daemonServer, daemonize+"; sleep 1"
	}
	mark := filepath.Join(s.home, "mark")
	fill := strings.NewReplacer("ARM", arm, "NAME", arm, "INSTALL", install, "MARK", mark)
	server := filepath.Join(s.home, arm)
	for name, text := range map[string]string{
		"mark": "", "survival.yaml": survivalProfile,
		arm + "/server.js":   strings.ReplaceAll(source, "MARK", mark),
		arm + "/server.yaml": fill.Replace(fill.Replace(survivalManifest)),
	} {
		file := filepath.Join(s.home, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(fill.Replace(text)), 0o644))
	}
	require.NoError(t, os.Mkdir(filepath.Join(s.home, "tmp"), 0o755))
	s.begin = []string{"run", "--profile", "survival.yaml", "--server", server, "--arm", "node-http," + arm}
	if campaign%4 < 3 { // else the run names its folder
		s.run = filepath.Join(s.home, "run")
	}
	t.Cleanup(func() {
		for _, p := range s.processes() {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	})
	return s
}

// start begins the run, or goes on with what there is of it.
func (s *survival) start() *invocation {
	args := s.begin
	switch {
	case s.folder() == "":
	case s.hasRun():
		args = []string{"run", "--resume", s.run}
		s.all.resumed++
	default:
		args = append(slices.Clone(args), "--out", s.run)
		if entries, _ := os.ReadDir(s.run); len(entries) > 0 {
			s.all.startedOver++
		}
	}
	in := &invocation{resumes: args[1] == "--resume", begun: time.Now(), ended: make(chan struct{})}
	in.cmd = exec.CommandContext(s.Context(), binary, args...)
	in.cmd.Dir, in.cmd.Stderr = s.home, &in.stderr
	in.cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(s.home, "tmp"), "HELLOBENCH_CACHE="+filepath.Join(s.home, "cache"))
	in.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(s, in.cmd.Start())
	go func() { _ = in.cmd.Wait(); close(in.ended) }()
	return in
}

// folder is that of the run, once it is known.
func (s *survival) folder() string {
	if found, _ := filepath.Glob(filepath.Join(s.home, "results", "2*")); s.run == "" && len(found) > 0 {
		s.run = found[0]
	}
	return s.run
}

// hasRun says whether there is a run to go on with.
func (s *survival) hasRun() bool {
	_, err := os.Stat(filepath.Join(s.folder(), record.RunFile))
	return err == nil
}

// invocation is one hellobench run that was started.
type invocation struct {
	cmd     *exec.Cmd
	resumes bool
	begun   time.Time
	ended   chan struct{}
	stderr  lockedBuffer
}

// ends says whether it ends within d.
func (in *invocation) ends(d time.Duration) bool {
	select {
	case <-in.ended:
		return true
	case <-time.After(d):
		return false
	}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// spoil starts the run, does something to it at a random moment, and checks
// what is left behind.
func (s *survival) spoil() {
	in := s.start()
	horizon := 4 * time.Second
	switch {
	case s.rng.IntN(4) == 0:
		horizon = 50 * time.Millisecond
	case in.resumes:
	case s.early < 3:
		horizon *= 2
	default:
		s.awaitRun(in)
	}
	if !in.resumes {
		s.early++
	}
	delay := time.Duration(s.rng.Int64N(int64(horizon)))
	fault := faults[s.rng.IntN(len(faults))]
	pause := time.Duration(s.rng.Int64N(int64(500 * time.Millisecond)))
	if in.ends(delay) {
		s.completed(in)
		return
	}
	phase := "starting" // looking would take longer than that
	if delay > 20*time.Millisecond {
		phase = s.phase(in)
	}
	if !fault.strike(s, in, pause) {
		fault = faults[0]
		fault.strike(s, in, 0)
	}
	s.all.faults++
	s.all.by[fault.name]++
	s.all.by["while "+phase]++
	if fault.excuse {
		s.excuses++
	}
	s.ended(in, fault, phase, delay)
	s.check(fmt.Sprintf("%s while %s, after %v", fault.name, phase, delay))
}

// awaitRun waits until there is a run to go on with.
func (s *survival) awaitRun(in *invocation) {
	for !in.ends(10 * time.Millisecond) {
		if s.hasRun() {
			return
		}
	}
}

// ended checks how an invocation came to its end.
func (s *survival) ended(in *invocation, f fault, phase string, delay time.Duration) {
	since := time.Now()
	if !in.ends(20 * time.Second) {
		s.Errorf("%s while %s, after %v: still runs 20 s later", f.name, phase, delay)
		return
	}
	if took := time.Since(since); f.polite && took > s.all.slowestEnd.Duration {
		s.all.slowestEnd = slowest{took, fmt.Sprintf("%s while %s", f.name, phase)}
	}
	said := in.stderr.String()
	assert.NotContains(s, said, "goroutine ")
	status := in.cmd.ProcessState.Sys().(syscall.WaitStatus)
	code := status.ExitStatus()
	if status.Signaled() {
		code = 128 + int(status.Signal())
	}
	if code == 0 || code == 4 { // it was about to end anyway
		s.completed(in)
		return
	}
	assert.Contains(s, f.codes, code, "%s while %s, after %v: %s", f.name, phase, delay, said)
}

// phase says what the run is doing.
func (s *survival) phase(in *invocation) string {
	said := in.stderr.String()
	all := s.processes()
	anyOf := func(words string) bool {
		return slices.ContainsFunc(all, func(p process) bool { return strings.Contains(p.command, words) })
	}
	switch begun := strings.Contains(said, "; about "); {
	case in.resumes && (begun || anyOf("server.js")), !in.resumes && s.hasRun():
		if r, err := record.ReadRun(s.run); err == nil && r.State == record.Complete {
			return "reporting"
		}
		return "measuring"
	case anyOf(binary + " null"), anyOf("server.js"):
		return "calibrating"
	case anyOf("sleep 1"):
		return "installing"
	}
	return "starting"
}

// process is one of the run's.
type process struct {
	pid     int
	command string
}

func (p process) guard() bool { return strings.HasPrefix(p.command, binary+" guard") }

func (p process) server() bool {
	return !p.guard() && (strings.Contains(p.command, "server.js") || strings.HasPrefix(p.command, binary+" null"))
}

// processes are those that run and have the name of the folder in their
// environment or their command line.
func (s *survival) processes() (found []process) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if pid != os.Getpid() && (bytes.Contains(line, []byte(s.home+"/")) || bytes.Contains(env, []byte(s.home+"/"))) {
			found = append(found, process{pid, strings.TrimSpace(string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))})
		}
	}
	return found
}

// check is what must hold whenever the run has ended, however it did.
func (s *survival) check(when string) {
	since := time.Now()
	left := s.processes()
	for len(left) > 0 && time.Since(since) < 10*time.Second {
		time.Sleep(20 * time.Millisecond)
		left = s.processes()
	}
	if took := time.Since(since); took > s.all.slowestGone.Duration {
		s.all.slowestGone = slowest{took, when}
	}
	s.all.left += len(left)
	assert.Empty(s, left, "%s: processes left", when)

	files, err := os.ReadDir(filepath.Join(s.home, "tmp"))
	require.NoError(s, err)
	assert.Empty(s, files, "%s: temporary files left", when)
	latest := filepath.Join(s.home, "results", "latest")
	if _, err := os.Lstat(latest); err == nil {
		assert.FileExists(s, filepath.Join(latest, record.RunFile), "%s: results/latest", when)
	}
	if data, err := os.ReadFile(filepath.Join(s.run, record.RunFile)); err == nil {
		valid(s.T, "run", data)
	}
	journal, err := os.ReadFile(filepath.Join(s.run, record.TrialsFile))
	if err != nil {
		require.ErrorIs(s, err, os.ErrNotExist)
	}
	whole := journal[:bytes.LastIndexByte(journal, '\n')+1]
	if !assert.True(s, bytes.HasPrefix(whole, s.journal), "%s: trials.jsonl lost what it held", when) {
		s.all.lost += max(1, bytes.Count(s.journal, []byte("\n"))-bytes.Count(whole, []byte("\n")))
	}
	s.journal = whole
}

// completed takes note of an invocation that came to its end by itself.
func (s *survival) completed(in *invocation) {
	said := in.stderr.String()
	switch code := in.cmd.ProcessState.ExitCode(); {
	case code == 4 && strings.Contains(said, "engines do not agree"): // others work on these cores: again
	case code == 0, code == 4, code == 1 && s.excuses > 0 && strings.Contains(said, "failed in every trial"):
		s.complete = true
	default:
		s.Errorf("exit code %d: %s", code, said)
	}
	assert.NotContains(s, said, "goroutine ")
}

// finish lets the run come to its end and checks that it is whole.
func (s *survival) finish() {
	for try := 0; try < 5 && !s.complete && !s.Failed(); try++ {
		in := s.start()
		if !in.ends(2 * time.Minute) {
			_ = in.cmd.Process.Kill()
			s.Errorf("the run does not come to its end: %s", in.stderr.String())
			return
		}
		s.completed(in)
	}
	if !s.complete {
		return
	}
	s.check("at the end")
	r, err := record.ReadRun(s.run)
	require.NoError(s, err)
	assert.Equal(s, record.Complete, r.State)
	s.checkTrials(r)
	out, err := exec.CommandContext(s.Context(), binary, "report", s.run, "--format", "csv").CombinedOutput()
	require.NoError(s, err, "%s", out)
	assert.Contains(s, string(out), "node-http")
	for _, pattern := range []string{"run/.*", "results/*/.*", "results/latest.*", "cache/servers/*.partial"} {
		litter, err := filepath.Glob(filepath.Join(s.home, pattern))
		require.NoError(s, err)
		assert.Empty(s, litter)
	}
}

// checkTrials holds the journal against the plan: each trial once.
func (s *survival) checkTrials(r *record.Run) {
	trials, err := record.ReadTrials(s.run)
	require.NoError(s, err)
	times, failed := map[string]int{}, 0
	for _, tr := range trials {
		times[fmt.Sprint(tr.Block, " ", tr.Arm)]++
		if tr.Failure != "" {
			failed++
		}
		s.checkPort(tr.Setup["port"])
	}
	for line := range bytes.Lines(s.journal) {
		valid(s.T, "trial", line)
	}
	for i, block := range r.Plan {
		for _, p := range block.Trials {
			s.all.planned++
			key := fmt.Sprint(i, " ", p.Arm)
			if times[key] == 0 {
				s.all.lost++
			}
			s.all.doubled += max(0, times[key]-1)
			assert.Equal(s, 1, times[key], "trials of block %s", key)
			delete(times, key)
		}
	}
	assert.Empty(s, times, "trials that were not planned")
	assert.LessOrEqual(s, failed, s.excuses, "failed trials, faults that explain them")
}

// checkPort wants the ports of a trial to be free.
func (s *survival) checkPort(ports string) {
	for port := range strings.FieldsSeq(ports) {
		ln, err := net.Listen("tcp", "127.0.0.1:"+port) //nolint:noctx // loopback
		if assert.NoError(s, err, "port of a trial") {
			_ = ln.Close()
		}
	}
}
