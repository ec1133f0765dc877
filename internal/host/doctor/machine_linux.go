package doctor

import (
	"context"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hellobench/hellobench/internal/host"
)

// What the checks want of a machine.
const (
	wantedCores = 2 // one for the server, one for the generator
	sampleTime  = time.Second
	warnSteal   = 0.01 // of the cores' time
	badSteal    = 0.05
	warnOthers  = 0.05 // of the cores' time
	badOthers   = host.MaxNoise
	warnWaiting = host.MaxNoise // of the last 10 s
	badWaiting  = 0.5
	warnMemory  = 1 << 30 // bytes
	badMemory   = 256 << 20
)

// machine is what the checks look at. They are functions of it alone, so that
// tests can show them any machine.
type machine struct {
	host.Tree
	allowed    []int // cores
	soft, hard uint64
	parent     int        // process whose shell commands are typed into
	root       bool       // no sudo needed
	noise      host.Noise // of the cores taken, while it was sampled
	noiseErr   error
	sampled    time.Duration
}

// checks in the order in which equals are shown.
var checks = []func(*machine) Check{
	(*machine).cores, (*machine).siblings, (*machine).quota, (*machine).others, (*machine).steal,
	(*machine).clock, (*machine).governor, (*machine).turbo, (*machine).memory, (*machine).swap,
	(*machine).openFiles, (*machine).acceptQueue, (*machine).synQueue, (*machine).ports, (*machine).portReuse, (*machine).timeWait,
	(*machine).isolation, (*machine).mitigations,
}

// Checks looks at this machine for a second and tells what would spoil a
// measurement. It changes nothing; where the context ends it looks for a
// shorter time.
func Checks(ctx context.Context) []Check {
	m := look(ctx)
	var all []Check
	for _, check := range checks {
		all = append(all, check(m))
	}
	return all
}

func look(ctx context.Context) *machine {
	m := &machine{Tree: host.System, parent: os.Getppid(), root: os.Geteuid() == 0}
	m.allowed, _ = host.Allowed() // none: every check of cores says so
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) == nil {
		m.soft, m.hard = lim.Cur, lim.Max
	}
	start := time.Now()
	var before, after host.Noise
	if before, m.noiseErr = host.ReadNoise(m.taken()); m.noiseErr != nil {
		return m
	}
	select {
	case <-ctx.Done():
	case <-time.After(sampleTime):
	}
	after, m.noiseErr = host.ReadNoise(m.taken())
	m.noise, m.sampled = after.Sub(before), time.Since(start)
	return m
}

// taken are the cores that a run takes by default: the first for the server,
// the second for the generator.
func (m *machine) taken() []int { return m.allowed[:min(len(m.allowed), wantedCores)] }

// sudo is the command as this user has to give it.
func (m *machine) sudo(command string) string {
	if m.root {
		return command
	}
	return "sudo " + command
}

// write is the command that writes a value into files of the kernel, all of
// them words of the shell already.
func (m *machine) write(value string, files ...string) string {
	return "echo " + value + " | " + m.sudo("tee "+strings.Join(files, " "))
}

func (m *machine) cores() Check {
	c := Check{
		Name: "cores", State: OK,
		Finding: fmt.Sprintf("%d cores may be used: %s", len(m.allowed), host.FormatCPUs(m.allowed)),
		Why:     "a server and a generator that share a core measure each other",
	}
	if len(m.allowed) >= wantedCores {
		return c
	}
	c.State = Bad
	c.Finding = fmt.Sprintf("only %d core may be used, a server and a generator need %d", len(m.allowed), wantedCores)
	if reachable := m.reachable(); len(reachable) >= wantedCores && len(m.allowed) > 0 {
		c.Mend = fmt.Sprintf("taskset -pc %s $$", host.FormatCPUs(reachable))
		c.Restore = fmt.Sprintf("taskset -pc %s $$", host.FormatCPUs(m.allowed))
	}
	return c
}

// reachable are the cores that a process of this control group may ask for.
func (m *machine) reachable() []int {
	cpus := m.Text("sys/devices/system/cpu/online")
	for _, dir := range m.Groups("cpuset").Dirs {
		// The own group's set lies within those above it. Version 1, then 2.
		for _, name := range []string{"cpuset.effective_cpus", "cpuset.cpus.effective"} {
			if set := m.Text(path.Join(dir, name)); set != "" {
				list, _ := host.ParseCPUs(set)
				return list
			}
		}
	}
	list, _ := host.ParseCPUs(cpus)
	return list
}

// siblings are hardware threads of one core.
func (m *machine) siblings() Check {
	c := Check{
		Name: "smt", State: Unknown, Finding: "which cores are threads of one physical core is not told",
		Why: "threads of one physical core share its units: the generator's work slows the server",
	}
	if len(m.allowed) < wantedCores {
		c.Finding = "there are no two cores to compare"
		return c
	}
	server, load := m.taken()[0], m.taken()[1]
	with := m.Siblings(server)
	if len(with) == 0 {
		return c
	}
	if !slices.Contains(with, load) {
		c.State, c.Finding = OK, fmt.Sprintf("cores %d (server) and %d (generator) are two physical cores", server, load)
		return c
	}
	c.State, c.Finding = Warn, fmt.Sprintf("cores %d (server) and %d (generator) are threads of one physical core", server, load)
	for _, other := range m.allowed {
		if !slices.Contains(with, other) {
			c.Mend = fmt.Sprintf("hellobench run --server-cpus %d --load-cpus %d", server, other)
			break
		}
	}
	return c
}

func (m *machine) quota() Check {
	c := Check{
		Name: "cpu-quota", State: OK, Finding: "no control group limits the processor time",
		Why: "a group that has used its quota up stands still for up to 100 ms: latencies show the quota",
	}
	g := m.Groups("cpu")
	if len(g.Dirs) == 0 {
		c.State, c.Finding = Unknown, "control groups cannot be seen"
		return c
	}
	q := g.Quota()
	if q.Cores == 0 {
		return c
	}
	c.State = Warn
	if q.Cores < wantedCores {
		c.State = Bad
	}
	c.Finding = fmt.Sprintf("a control group limits the processor time to %.2f cores; it stood still for %v so far", q.Cores, g.Throttled().Round(time.Millisecond))
	if !g.ReadOnly {
		c.Mend = m.write(q.None, quoted(q.File))
		c.Restore = m.write(quoted(q.Now), quoted(q.File))
	}
	return c
}

// plain words mean to a shell what they say.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// quoted is a word as a shell has to be given it: names of control groups may
// hold anything, and those of systemd hold backslashes.
func quoted(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func (m *machine) others() Check {
	c := Check{Name: "load", State: OK, Why: "other processes take the cores from the server and the generator in turns: the intervals widen"}
	if !m.sampleTold() {
		c.State, c.Finding = Unknown, "the processor time of the cores cannot be read"
		return c
	}
	share := float64(m.noise.Busy()) / float64(m.noise.Total())
	waiting, told := m.Pressure()
	switch {
	case share >= badOthers || waiting >= badWaiting:
		c.State = Bad
	case share >= warnOthers || waiting >= warnWaiting:
		c.State = Warn
	}
	c.Finding = fmt.Sprintf("other processes used %.0f%% of the cores %s for %.1f s", 100*share, host.FormatCPUs(m.taken()), m.sampled.Seconds())
	if average, _, ok := strings.Cut(m.Text("proc/loadavg"), " "); ok {
		c.Finding += "; load average " + average
	}
	if told {
		c.Finding += fmt.Sprintf("; a task waited for a core %.0f%% of the last 10 s", 100*waiting)
	}
	return c
}

// sampleTold says whether the cores' time was read and went on.
func (m *machine) sampleTold() bool { return m.noiseErr == nil && m.noise.Total() > 0 }

func (m *machine) steal() Check {
	virtual := strings.Contains(m.Text("proc/cpuinfo"), " hypervisor")
	c := Check{
		Name: "steal", State: OK,
		Why: "what the hypervisor gives to other machines is missing here, and nothing in this machine can prevent it",
	}
	if !m.sampleTold() {
		c.State, c.Finding = Unknown, "the stolen time cannot be read"
		return c
	}
	share := float64(m.noise.Steal) / float64(m.noise.Total())
	switch {
	case share >= badSteal:
		c.State = Bad
	case share >= warnSteal:
		c.State = Warn
	}
	kind := "no hypervisor is to be seen"
	if virtual {
		kind = "a virtual machine"
	}
	c.Finding = fmt.Sprintf("%s; %.1f%% of the cores' time was stolen for %.1f s", kind, 100*share, m.sampled.Seconds())
	return c
}
