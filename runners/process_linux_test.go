package runners

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNothingSurvives ends servers that do not want to end, in each way that they can be ended.
func TestNothingSurvives(t *testing.T) {
	ways := map[string]func(t *testing.T, p *Process){
		"stop":         func(t *testing.T, p *Process) { require.NoError(t, p.Stop()) },
		"harness gone": func(t *testing.T, p *Process) { require.NoError(t, p.life.Close()) },
		"server killed": func(t *testing.T, p *Process) {
			require.NoError(t, syscall.Kill(p.leader, syscall.SIGKILL))
			require.NoError(t, p.Stop())
		},
	}
	for _, kind := range []string{"plain", "stubborn", "family", "hydra"} {
		for way, end := range ways {
			t.Run(kind+", "+way, func(t *testing.T) {
				t.Parallel()
				p, err := start(t, kind, Options{})
				require.NoError(t, err)
				mark := "HELLOBENCH_MARK=" + t.Name()
				require.NotEmpty(t, marked(mark))
				end(t, p)
				assert.Eventually(t, func() bool { return len(marked(mark)) == 0 }, 10*time.Second, 20*time.Millisecond)
				assert.True(t, ended(p.guard.Process.Pid), "the guard still runs")
			})
		}
	}
}

// marked are the processes with an entry in their environment that are no guards and no zombies.
func marked(entry string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		env, _ := os.ReadFile(file)
		pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
		if strings.Contains(string(env), entry+"\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// TestGuardKilled takes the guard itself away: the server ends with it, and the run learns why.
func TestGuardKilled(t *testing.T) {
	other, err := start(t, "plain", Options{})
	require.NoError(t, err)
	p, err := start(t, "hydra", Options{})
	require.NoError(t, err)
	mark := "HELLOBENCH_MARK=" + t.Name()
	before := len(marked(mark))
	require.NoError(t, p.guard.Process.Kill())
	assert.Eventually(t, func() bool { return p.Alive() != nil }, 5*time.Second, 10*time.Millisecond)
	assert.ErrorContains(t, p.Alive(), "hellobench's own process that watches it was killed")
	assert.ErrorContains(t, p.Stop(), "signal: killed")
	assert.True(t, ended(p.leader))
	require.NoError(t, other.Alive())
	assert.Less(t, len(marked(mark)), before)
	require.NoError(t, other.Stop())
	assert.Empty(t, marked(mark), "daemons of the guard that was killed")
}

// TestEndedProcessesAreMetered counts the time of processes that have ended
// already: a daemon that the guard waited for, and a child that nobody waited for.
func TestEndedProcessesAreMetered(t *testing.T) {
	for _, kind := range []string{"worker", "careless"} {
		p, err := start(t, kind, Options{})
		require.NoError(t, err)
		assert.Eventually(t, func() bool {
			u, err := p.Usage(true)
			return err == nil && u.Processes == 1 && u.CPU.Total() > 60*time.Millisecond
		}, 20*time.Second, 20*time.Millisecond, kind)
	}
	plain, err := start(t, "plain", Options{})
	require.NoError(t, err)
	u, err := plain.Usage(true)
	require.NoError(t, err)
	assert.Less(t, u.CPU.Total(), 60*time.Millisecond)
}

// TestGuardKnowsNothingOfTheServer: options for a Go program are not the guard's.
func TestGuardKnowsNothingOfTheServer(t *testing.T) {
	log := filepath.Join(t.TempDir(), "server.log")
	p, err := start(t, "plain", Options{LogFile: log, Env: map[string]string{"GODEBUG": "inittrace=1"}})
	require.NoError(t, err)
	require.NoError(t, p.Stop())
	printed, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(printed), "init runtime @"), "%s", printed)
}

// TestLogIsBounded lets a server print 47 MB.
func TestLogIsBounded(t *testing.T) {
	log := filepath.Join(t.TempDir(), "server.log")
	p, err := start(t, "chatty", Options{LogFile: log})
	require.NoError(t, err)
	require.NoError(t, p.Stop())
	st, err := os.Stat(log)
	require.NoError(t, err)
	assert.Less(t, st.Size(), int64(5*logPart))
	f, err := os.Open(log)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	var first, last string
	for lines := bufio.NewScanner(f); lines.Scan(); last = lines.Text() {
		if first == "" {
			first = lines.Text()
		}
	}
	assert.True(t, strings.HasPrefix(first, "line 0 "), first)
	assert.True(t, strings.HasPrefix(last, "line 999999 "), last)
}

func ended(pid int) bool {
	for range 200 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}
