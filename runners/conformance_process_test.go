package runners_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tagVariable marks all processes of a server under test, also those that
// leave its process group or lose their parent.
const tagVariable = "HELLOBENCH_CONFORMANCE"

// processes are those of the server that run now, without its guard, which has
// the same environment. A zombie has no environment any more and so is not among them.
func (s *subject) processes(t *testing.T) []procfs.ProcStat {
	t.Helper()
	all, err := procfs.AllProcs()
	require.NoError(t, err)
	var own []procfs.ProcStat
	for _, p := range all {
		env, err := p.Environ()
		if err != nil || !strings.Contains(strings.Join(env, "\n")+"\n", tagVariable+"="+s.tag+"\n") {
			continue
		}
		if st, err := p.Stat(); err == nil && st.PPID != os.Getpid() {
			own = append(own, st)
		}
	}
	return own
}

// checkTermination sends SIGTERM to the server alone, while a client holds a
// connection open, and waits for all of its processes to end by themselves.
func checkTermination(t *testing.T, s *subject) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	c, err := s.connect()
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = c.ask("GET", "/")
	require.NoError(t, err)
	leader := 0
	for _, p := range s.processes(t) {
		if p.PGRP == p.PID {
			leader = p.PID
		}
	}
	require.NotZero(t, leader)
	began := time.Now()
	require.NoError(t, syscall.Kill(leader, syscall.SIGTERM))
	assert.Eventually(t, func() bool { return len(s.processes(t)) == 0 }, 10*time.Second, 20*time.Millisecond, "processes that outlive SIGTERM")
	t.Logf("ended %v after SIGTERM", time.Since(began).Round(time.Millisecond))
	require.NoError(t, s.process.Stop())
	_, err = s.connect()
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// checkTwoWork sees that two processes, no more and no less, do the work. A
// process that only hands requests on works too, but far less.
func checkTwoWork(t *testing.T, s *subject) {
	const substantial, share = 0.05, 0.25 // CPU seconds of the one that works most; what of that the others need
	before := s.settledCPU(t)
	working := 0
	for began := time.Now(); working != 2 && time.Since(began) < patience; {
		var errs [8]error
		var round sync.WaitGroup
		for i := range errs {
			round.Go(func() { errs[i] = s.countPrimes() })
		}
		round.Wait()
		require.NoError(t, errors.Join(errs[:]...))
		used := s.cpu(t)
		most := substantial
		for pid := range used {
			used[pid] -= before[pid]
			most = max(most, used[pid])
		}
		working = 0
		for _, cpu := range used {
			if cpu >= share*most {
				working++
			}
		}
	}
	assert.Equal(t, 2, working, "processes that work of %d", len(before))
}

// countPrimes gives a worker some work.
func (s *subject) countPrimes() error {
	c, err := s.connect()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	r, err := c.ask("GET", "/cpu?n=50000", "Connection: close")
	if err == nil && r.body != "5133" {
		err = fmt.Errorf("wrong number of primes: %.60q", r.body)
	}
	return err
}

// cpu is what each process has used, in seconds.
func (s *subject) cpu(t *testing.T) map[int]float64 {
	t.Helper()
	used := map[int]float64{}
	for _, p := range s.processes(t) {
		used[p.PID] = p.CPUTime()
	}
	return used
}

// settledCPU waits until no process works for the time being. A server
// answers once its first worker does, while the others may still be loading.
func (s *subject) settledCPU(t *testing.T) map[int]float64 {
	t.Helper()
	const tick = 0.01 // of the account in /proc
	last := s.cpu(t)
	for began := time.Now(); time.Since(began) < patience; {
		time.Sleep(400 * time.Millisecond)
		now := s.cpu(t)
		quiet := len(now) == len(last) && len(now) >= 2
		for pid, used := range now {
			quiet = quiet && used-last[pid] < 1.5*tick
		}
		if last = now; quiet {
			return now
		}
	}
	t.Fatal("the server does not come to rest")
	return nil
}
