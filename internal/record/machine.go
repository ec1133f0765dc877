package record

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Difference is one thing in which two machines, or two ways of measuring,
// are not alike.
type Difference struct {
	What string `json:"what"`
	A    string `json:"a"` // as people read it
	B    string `json:"b"`
}

func (d Difference) String() string { return fmt.Sprintf("%s (%s and %s)", d.What, d.A, d.B) }

// Different says in which respects two machines are not one and the same for a
// comparison: none, and a figure of one may be held against the same figure of
// the other. The kernel is not among them, since an update of the system is a
// change like any other, and memory is not, since a kernel reserves as much as
// it likes. What neither run recorded cannot tell two machines apart.
func (e *Environment) Different(o *Environment) []Difference {
	out := []Difference{}
	add := func(what, a, b string) {
		if a != b {
			out = append(out, Difference{what, a, b})
		}
	}
	add("system", e.OS+"/"+e.Arch, o.OS+"/"+o.Arch)
	a, b := known(e.CPU), known(o.CPU)
	if a == b && e.CPUID != "" && o.CPUID != "" && e.CPUID != o.CPUID {
		a, b = a+", "+e.CPUID, b+", "+o.CPUID // a cloud may sell several processors under one name
	}
	add("processor", a, b)
	add("number of cores", fmt.Sprint(e.Cores), fmt.Sprint(o.Cores))
	add("kind", kind(e.Virtual), kind(o.Virtual))
	return out
}

// Machine is what Different compares, in one line.
func (e *Environment) Machine() string {
	s := fmt.Sprintf("%s, %d cores", known(e.CPU), e.Cores)
	if e.Virtual {
		s += ", virtual"
	}
	return s
}

// Join makes e the machines of a run that was measured on both.
func (e *Environment) Join(o *Environment) {
	e.CPU, e.CPUID = union(known(e.CPU), known(o.CPU)), union(e.CPUID, o.CPUID)
	e.Virtual = e.Virtual || o.Virtual
}

const and = " + "

// union is the names of both lists, each once, in an order that does not
// depend on which run came first.
func union(a, b string) string {
	names := slices.Concat(strings.Split(a, and), strings.Split(b, and))
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(s string) bool { return s == "" })
	return strings.Join(names, and)
}

func known(cpu string) string { return cmp.Or(cpu, "unknown processor") }

func kind(virtual bool) string {
	if virtual {
		return "virtual"
	}
	return "physical"
}
