package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
)

// startSlurm runs a cluster of one node on this machine: munged, slurmctld and slurmd.
func startSlurm(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a Slurm daemon needs root")
	}
	for _, tool := range []string{"slurmctld", "slurmd", "munged", "sbatch"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%v; on Debian: apt-get install slurm-wlm munge", err)
		}
	}
	dir, err := os.MkdirTemp("/tmp", "hbslurm") // sockets have short names
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	name, err := os.Hostname()
	require.NoError(t, err)
	for _, sub := range []string{"state", "spool"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, sub), 0o755))
	}
	key := filepath.Join(dir, "munge.key")
	require.NoError(t, os.WriteFile(key, bytes.Repeat([]byte("k7"), 64), 0o400))
	config := fmt.Sprintf(`ClusterName=test
SlurmctldHost=%[2]s(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=%[1]s/munge.sock,cred_expire=5
CryptoType=crypto/munge
StateSaveLocation=%[1]s/state
SlurmdSpoolDir=%[1]s/spool
SlurmctldPidFile=%[1]s/ctld.pid
SlurmdPidFile=%[1]s/slurmd.pid
SlurmctldLogFile=%[1]s/ctld.log
SlurmdLogFile=%[1]s/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerParameters=bf_interval=1,sched_interval=1
SelectType=select/cons_tres
ReturnToService=2
MailProg=/bin/true
NodeName=%[2]s NodeAddr=127.0.0.1 CPUs=%[3]d State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`, dir, name, 2)
	file := filepath.Join(dir, "slurm.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o644))
	t.Setenv("SLURM_CONF", file)
	daemon := func(argv ...string) {
		cmd := exec.CommandContext(context.Background(), argv[0], argv[1:]...)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		require.NoError(t, cmd.Start())
		t.Cleanup(func() {
			_ = cmd.Process.Signal(os.Interrupt)
			end := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
			defer end.Stop()
			_ = cmd.Wait()
			if t.Failed() {
				t.Logf("%s said: %s", argv[0], said.String())
			}
		})
	}
	daemon("munged", "--foreground", "--force", "--key-file="+key, "--socket="+dir+"/munge.sock", "--pid-file="+dir+"/munge.pid", "--seed-file="+dir+"/munge.seed", "--log-file="+dir+"/munge.log")
	eventuallyWithin(t, 20*time.Second, "munged listens", func() bool { _, err := os.Stat(dir + "/munge.sock"); return err == nil })
	daemon("slurmctld", "-D", "-f", file)
	daemon("slurmd", "-D", "-f", file, "-N", name)
	t.Cleanup(func() { // while the daemons run that end what is left of a job
		eventuallyWithin(t, time.Minute, "all jobs have ended", func() bool {
			out, err := exec.CommandContext(context.Background(), "squeue", "--noheader").Output()
			return err == nil && len(bytes.TrimSpace(out)) == 0
		})
	})
	eventuallyWithin(t, time.Minute, "the node is idle", func() bool {
		out, _ := exec.CommandContext(t.Context(), "sinfo", "--noheader", "-o", "%T").CombinedOutput()
		return strings.TrimSpace(string(out)) == "idle"
	})
}

func slurm(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
	require.NoError(t, err, "%v: %s", argv, out)
	return strings.TrimSpace(string(out))
}

// TestSlurm runs the scripts on a real Slurm: an array of two shards, of which one is
// requeued in the middle and one is canceled, which the merged run says.
func TestSlurm(t *testing.T) {
	startSlurm(t)
	dir := t.TempDir()
	profile := filepath.Join(dir, "short.yaml")
	require.NoError(t, os.WriteFile(profile, []byte(strings.Replace(shortTrials, "blocks: {min: 3, max: 3}", "blocks: {min: 8, max: 8}", 1)), 0o644))
	scripts, err := filepath.Abs("../../scripts/slurm")
	require.NoError(t, err)
	t.Setenv("HELLOBENCH", binary)
	t.Setenv("RESULTS", dir)
	t.Setenv("SEED", "7")
	trials := func(shard string) int {
		folder := filepath.Join(dir, shard)
		run, err := record.ReadRun(folder)
		if err != nil {
			return 0
		}
		all, err := record.TrialsOf(folder, run)
		if err != nil {
			return 0
		}
		return len(all)
	}
	submit := func() (job string) {
		said := slurm(t, filepath.Join(scripts, "submit"), "2", "--profile", profile)
		t.Log(said)
		_, err := fmt.Sscanf(said, "array %s", &job)
		require.NoError(t, err, said)
		return strings.TrimSuffix(job, ":")
	}
	merged := func(job string) *record.Run {
		folder := filepath.Join(dir, "slurm-"+job)
		eventuallyWithin(t, 2*time.Minute, "the shards are merged", func() bool {
			_, err := os.Stat(filepath.Join(folder, "report.html")) // the last that is written
			return err == nil
		})
		run, err := record.ReadRun(folder)
		require.NoError(t, err)
		return run
	}

	job := submit()
	first := "slurm-" + job + "-shards/0"
	eventuallyWithin(t, time.Minute, "a block is measured", func() bool { return trials(first) > 0 })
	began := func(shard string) time.Time {
		folder := filepath.Join(dir, shard)
		run, err := record.ReadRun(folder)
		require.NoError(t, err)
		return run.Start
	}
	start := began(first)
	slurm(t, "scontrol", "requeue", job+"_0")
	run := merged(job)
	assert.Equal(t, record.Complete, run.State)
	assert.Nil(t, run.Shard)
	assert.Equal(t, start, began(first), "it went on, and did not start over")
	report, err := os.ReadFile(filepath.Join(dir, "slurm-"+job, "report.md"))
	require.NoError(t, err)
	assert.NotContains(t, string(report), "PARTIAL")
	planned := 0
	for i := range run.Plan {
		planned += len(run.Plan[i].Trials)
	}
	assert.Equal(t, planned, trials("slurm-"+job))
	log, err := os.ReadFile(filepath.Join(dir, "slurm-"+job+"-0.log"))
	require.NoError(t, err)
	assert.NotContains(t, string(log), "nothing to go on with", "it was requeued in its middle")

	// The same trials on one machine have the same answers.
	one := filepath.Join(dir, "one")
	slurm(t, binary, "merge", filepath.Join(dir, first), filepath.Join(dir, "slurm-"+job+"-shards/1"), "--out", one)
	a, err := os.ReadFile(filepath.Join(one, "trials.jsonl"))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(dir, "slurm-"+job, "trials.jsonl"))
	require.NoError(t, err)
	assert.Equal(t, string(a), string(b))

	job = submit()
	eventuallyWithin(t, time.Minute, "a block is measured", func() bool { return trials("slurm-"+job+"-shards/0") > 0 })
	slurm(t, "scancel", job+"_0")
	merged(job)
	report, err = os.ReadFile(filepath.Join(dir, "slurm-"+job, "report.md"))
	require.NoError(t, err)
	assert.Contains(t, string(report), "PARTIAL")
}
