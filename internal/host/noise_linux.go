package host

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/stat, 1/USER_HZ: 10 ms on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// ReadNoise reads the counters for the given cores; an empty list stands for
// all. It fails where /proc/stat cannot be read or does not know a core.
func ReadNoise(cpus []int) (Noise, error) { return System.noise(cpus) }

func (t Tree) noise(cpus []int) (Noise, error) {
	stat, err := t.ReadFile("proc/stat")
	if err != nil {
		return Noise{}, fmt.Errorf("read processor time: %w", err)
	}
	n, err := parseStat(string(stat), cpus)
	if err != nil {
		return Noise{}, fmt.Errorf("read processor time: /proc/stat: %w", err)
	}
	n.Throttled = t.Groups("cpu").Throttled()
	return n, nil
}

// parseStat adds up the lines of the given cores, or takes that of all cores.
func parseStat(stat string, cpus []int) (Noise, error) {
	wanted := map[string]bool{}
	for _, c := range cpus {
		wanted["cpu"+strconv.Itoa(c)] = true
	}
	if len(cpus) == 0 {
		wanted["cpu"] = true
	}
	var sum Noise
	for line := range strings.Lines(stat) {
		fields := strings.Fields(line)
		if len(fields) == 0 || !wanted[fields[0]] {
			continue
		}
		delete(wanted, fields[0])
		if err := sum.addCore(fields[1:]); err != nil {
			return Noise{}, fmt.Errorf("%s: %w", fields[0], err)
		}
	}
	for name := range wanted {
		return Noise{}, fmt.Errorf("%s is not there", name)
	}
	return sum, nil
}

// addCore adds one line of /proc/stat. Its columns (proc_stat(5)) are user,
// nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice; the
// guests' time is part of user and nice already.
func (n *Noise) addCore(columns []string) error {
	var t [8]time.Duration
	room := math.MaxInt64 - n.Total() // 292 years of one core
	for i := range min(len(columns), len(t)) {
		d, ok := span(columns[i], tick)
		if !ok || d > room {
			return fmt.Errorf("want a count of ticks, not %.40q", columns[i])
		}
		t[i], room = d, room-d
	}
	if len(columns) < len(t) {
		return fmt.Errorf("has %d columns", len(columns))
	}
	n.User += t[0] + t[1]
	n.System += t[2]
	n.Idle += t[3] + t[4]
	n.IRQ += t[5] + t[6]
	n.Steal += t[7]
	return nil
}

var waiting = regexp.MustCompile(`(?m)^some avg10=(\S+)`)

// Pressure is the share of the last 10 s, from 0 to 1, in which at least one task of the
// machine waited for a core, whichever (PSI, "some").
func (t Tree) Pressure() (share float64, ok bool) {
	percent, err := strconv.ParseFloat(group(waiting, t.Text("proc/pressure/cpu")), 64)
	return percent / 100, err == nil && percent >= 0 && percent <= 100
}

// span reads a count of the given unit.
func span(value string, unit time.Duration) (time.Duration, bool) {
	v, err := strconv.ParseUint(value, 10, 64)
	if err != nil || v > math.MaxInt64/uint64(unit) {
		return 0, false
	}
	return time.Duration(v) * unit, true
}
