// Package host knows this machine: which processor cores there are, how to
// keep processes on them, what was used of them, and what else could color a
// measurement. It changes nothing but this process's own affinity and limits.
package host

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrUnsupported is wrapped where this operating system cannot do what was asked.
var ErrUnsupported = errors.New("needs Linux")

// ParseCPUs reads a list of cores as the kernel writes it: "0", "0,2-3". The
// result is sorted and has no duplicates; an empty text is an empty list.
func ParseCPUs(text string) ([]int, error) {
	var cpus []int
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		first, last, ranged := strings.Cut(part, "-")
		lo, err := strconv.Atoi(first)
		hi := lo
		if err == nil && ranged {
			hi, err = strconv.Atoi(last)
		}
		if err != nil || lo < 0 || hi < lo || hi > 4095 {
			return nil, fmt.Errorf("cores %q: want numbers and ranges such as 0,2-3", text)
		}
		for c := lo; c <= hi; c++ {
			cpus = append(cpus, c)
		}
	}
	if text != "" && len(cpus) == 0 {
		return nil, fmt.Errorf("cores %q: names none; want numbers and ranges such as 0,2-3", text)
	}
	slices.Sort(cpus)
	return slices.Compact(cpus), nil
}

// FormatCPUs is the inverse of ParseCPUs.
func FormatCPUs(cpus []int) string {
	var parts []string
	for i := 0; i < len(cpus); {
		j := i
		for j+1 < len(cpus) && cpus[j+1] == cpus[j]+1 {
			j++
		}
		if j > i {
			parts = append(parts, fmt.Sprintf("%d-%d", cpus[i], cpus[j]))
		} else {
			parts = append(parts, strconv.Itoa(cpus[i]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// Forbidden says why nothing can be pinned here.
type Forbidden struct {
	Reason string // without what follows from it
}

func (f Forbidden) Error() string {
	return "Servers and generator share all cores, because they cannot be pinned: " + f.Reason + "."
}

// Pinnable are the cores that this process may use. The error is Forbidden where
// it may not choose among them, as in some containers, and says so where one
// of the wanted cores is not among them.
func Pinnable(wanted []int) ([]int, error) {
	allowed, err := Allowed()
	if errors.Is(err, ErrUnsupported) {
		return nil, Forbidden{"pinning needs Linux"}
	}
	if err == nil {
		err = tryPin(allowed)
	}
	if err != nil {
		return nil, Forbidden{err.Error()}
	}
	for _, c := range wanted {
		if !slices.Contains(allowed, c) {
			return nil, fmt.Errorf("core %d: this process may use only %s", c, FormatCPUs(allowed))
		}
	}
	return allowed, nil
}

// Pin keeps this process on the given cores. It returns those that it is then
// kept on, none and a notice where pinning is forbidden.
func Pin(cpus []int) (pinned []int, notice string, err error) {
	if len(cpus) == 0 {
		return nil, "", nil
	}
	var forbidden Forbidden
	if _, err := Pinnable(cpus); errors.As(err, &forbidden) {
		return nil, "The generator is not pinned: " + forbidden.Reason + ".", nil
	} else if err != nil {
		return nil, "", err
	}
	return cpus, "", PinProcess(cpus)
}

// Assignment says which cores the servers and the generator run on. Empty
// lists mean that nothing is pinned.
type Assignment struct {
	Server, Load []int
}

// Assign chooses disjoint cores: what is asked for, else the first allowed
// core for the server and the second for the generator. Where the machine has
// one core only, or cannot pin, nothing is pinned and notice says so.
func Assign(server, load []int) (a Assignment, notice string, err error) {
	allowed, err := Pinnable(slices.Concat(server, load))
	var forbidden Forbidden
	if errors.As(err, &forbidden) {
		return a, forbidden.Error() + " Figures from this machine are not for quoting.", nil
	}
	if err != nil {
		return a, "", err
	}
	for _, c := range server {
		if slices.Contains(load, c) {
			return a, "", fmt.Errorf("core %d: given to the server and to the generator; they need disjoint cores", c)
		}
	}
	free := func(taken []int) []int {
		return slices.DeleteFunc(slices.Clone(allowed), func(c int) bool { return slices.Contains(taken, c) })
	}
	if len(server) == 0 {
		if f := free(load); len(f) > 0 {
			server = f[:1]
		}
	}
	if len(load) == 0 {
		// A thread of the server's physical core is the last choice.
		var with []int
		for _, c := range server {
			with = append(with, Siblings(c)...)
		}
		if f := free(slices.Concat(server, with)); len(f) > 0 {
			load = f[:1]
		} else if f := free(server); len(f) > 0 {
			load = f[:1]
		}
	}
	if len(server) == 0 || len(load) == 0 {
		return a, "Servers and generator share one core: this machine has no second one. Figures from it are not for quoting.", nil
	}
	a = Assignment{Server: server, Load: load}
	for _, c := range server {
		for _, sibling := range Siblings(c) {
			if slices.Contains(load, sibling) {
				return a, fmt.Sprintf("Cores %d (servers) and %d (generator) are threads of one physical core and slow each other. Figures from them are not for quoting.", c, sibling), nil
			}
		}
	}
	return a, "", nil
}
