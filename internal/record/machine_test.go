package record_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/record"
)

func TestDifferent(t *testing.T) {
	base := record.Environment{OS: "linux", Arch: "amd64", CPU: "A", CPUID: "1", Cores: 2, Kernel: "6.1", Memory: 1 << 30}
	for want, change := range map[string]func(*record.Environment){
		"":                                      func(e *record.Environment) { e.Kernel, e.Memory = "6.2", 1<<31 },
		"processor (A and B)":                   func(e *record.Environment) { e.CPU = "B" },
		"processor (A, 1 and A, 2)":             func(e *record.Environment) { e.CPUID = "2" },
		"processor (A and unknown processor)":   func(e *record.Environment) { e.CPU, e.CPUID = "", "" },
		"number of cores (2 and 4)":             func(e *record.Environment) { e.Cores = 4 },
		"kind (physical and virtual)":           func(e *record.Environment) { e.Virtual = true },
		"system (linux/amd64 and darwin/amd64)": func(e *record.Environment) { e.OS = "darwin" },
		"processor (A and A + B)":               func(e *record.Environment) { e.Join(&record.Environment{CPU: "B"}) },
	} {
		other := base
		change(&other)
		var got string
		for _, d := range base.Different(&other) {
			got += d.String()
		}
		assert.Equal(t, want, got)
	}
	old := base
	old.CPUID = ""
	assert.Empty(t, base.Different(&old), "a run of an older version recorded no numbers")
}

// TestJoin: the machines of a run do not depend on the order of its parts.
func TestJoin(t *testing.T) {
	a, b := record.Environment{CPU: "A", CPUID: "1", Cores: 2}, record.Environment{CPU: "B", CPUID: "2", Cores: 2}
	one, two := a, b
	one.Join(&b)
	one.Join(&a)
	two.Join(&a)
	assert.Empty(t, one.Different(&two))
	assert.Equal(t, "A + B, 2 cores", one.Machine())
}
