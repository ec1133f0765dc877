package profile_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/profile"
	"github.com/hellobench/hellobench/internal/record"
)

const good = `schema: 1
name: x
description: X
arms: [a, "b:workers=2:close"]
connections: [64, 1]
rates: [500]
window: 1s
warmup: 0s
blocks: {min: 2, max: 5}
`

func TestDecode(t *testing.T) {
	p, err := profile.Decode("x.yaml", []byte(good))
	require.NoError(t, err)
	assert.EqualExportedValues(t, profile.Profile{
		Name: "x", Description: "X", Quotable: true,
		Arms:   []record.Arm{{Name: "a", Server: "a", Route: "/"}, {Name: "b:workers=2:close", Server: "b", Route: "/", Workers: 2, Close: true}},
		Levels: []record.Level{{Connections: 1}, {Connections: 64}, {Rate: 500}},
		Experiments: []record.Experiment{{
			Name: "x", Arms: []string{"a", "b:workers=2:close"}, Levels: []int{0, 1, 2}, Blocks: record.Range{Min: 2, Max: 5}, Passes: 4, Window: time.Second, LeadIn: 50 * time.Millisecond,
		}},
		Window: time.Second, LongWindow: time.Second, Timeout: 10 * time.Second, Canary: true, Blocks: record.Range{Min: 2, Max: 5},
	}, *p)
	arms := p.Enter()
	require.Len(t, arms, 4)
	assert.Equal(t, record.Arm{Name: "a~again", Server: "a", Route: "/", Replicate: "a"}, arms[2], "the first arm, where the file names none")
	assert.Equal(t, record.Arm{Name: "null", Server: "null", Route: "/"}, arms[3])
	assert.Equal(t, []string{"a", "b:workers=2:close", "a~again", "null"}, p.Experiments[0].Arms)
	assert.Equal(t, []int{0, 1, 2}, p.Visits(0, "a"))
	assert.Equal(t, []int{1}, p.Visits(0, "null"), "at 64 connections and nowhere else")
}

func TestExperiments(t *testing.T) {
	p, err := profile.Decode("x.yaml", []byte(good+`replicate: [a]
idle: [{connections: 1000, rate: 500}]
experiments:
  - {name: crowds, arms: [a, c], connections: [4096, 64], passes: 2, window: 2s, lead_in: 10ms, warmup_max: 8s, blocks: {min: 3, max: 4}, cores: 2}
  - {arms: ["c:route=/io?ms=5", "d:route=/io?ms=5"], rates: [10]}
long_window: 5s
budget: 5m
claims: [x]
`))
	require.NoError(t, err)
	assert.Equal(t, []record.Level{{Connections: 1}, {Connections: 64}, {Rate: 500}, {Rate: 500, Idle: 1000}, {Connections: 4096}, {Rate: 10}}, p.Levels)
	require.Len(t, p.Arms, 5)
	require.Len(t, p.Experiments, 3)
	assert.Equal(t, record.Experiment{
		Name: "crowds", Arms: []string{"a", "c"}, Levels: []int{1, 4}, Blocks: record.Range{Min: 3, Max: 4}, Cores: 2, Passes: 2, Window: 2 * time.Second, LeadIn: 10 * time.Millisecond, WarmupMax: 8 * time.Second,
	}, p.Experiments[1])
	assert.Equal(t, "experiment 3", p.Experiments[2].Name)
	assert.Equal(t, 4, p.Experiments[2].Passes)
	assert.Equal(t, 5*time.Second, p.LongWindow)
	assert.Equal(t, 5*time.Minute, p.Budget)
	p.Enter()
	assert.Equal(t, []string{"a", "c", "a~again"}, p.Experiments[1].Arms, "the null server is in the first experiment only")
	assert.Contains(t, p.Experiments[2].Arms, "c:route=/io?ms=5~again", "every experiment has its own")
	assert.Nil(t, p.Visits(2, "null"), "it has no closed loop")

	for want, experiments := range map[string]string{
		"x.yaml:11: experiments.0.arms.0: ":                                    `{arms: ["a:worker=2"], connections: [1]}`,
		"x.yaml:11: experiments.0":                                             `{arms: [a]}`,
		`x.yaml:11: experiments.0.name: "x" is the name of another experiment`: `{name: x, arms: [a], connections: [1]}`,
		`x.yaml:11: experiments.0.arms.1: "a" and "a:shared:route=/cpu": in one experiment all arms share the generator's cores, or none does`: `{arms: ["a:shared:route=/cpu", a], connections: [1]}`,
		"x.yaml:11: experiments.0.blocks: min 3 is above max 2":                                                                                `{arms: [a], connections: [1], blocks: {min: 3, max: 2}}`,
		`x.yaml:11: experiments.0.window: "90m": want a duration above 0 and up to 1h`:                                                         `{arms: [a], connections: [1], window: 90m}`,
		`x.yaml:11: experiments.0.lead_in: "90m": want a duration up to 1h`:                                                                    `{arms: [a], connections: [1], lead_in: 90m}`,
		`x.yaml:11: experiments.0.arms.0: arm "null": the null server is no competitor`:                                                        `{arms: ["null"], connections: [1]}`,
	} {
		_, err = profile.Decode("x.yaml", []byte(good+"experiments:\n  - "+experiments+"\n"))
		assert.ErrorContains(t, err, want)
	}
	warm := strings.Replace(good, "warmup: 0s", "warmup: 2s", 1)
	_, err = profile.Decode("x.yaml", []byte(warm+"experiments:\n  - {arms: [a], connections: [1], warmup_max: 1s}\n"))
	require.EqualError(t, err, "x.yaml:11: experiments.0.warmup_max: 1s is below warmup, 2s")
}

func TestEmbeddedProfiles(t *testing.T) {
	known := fixtures.ServerNames()
	for _, name := range fixtures.ProfileNames() {
		data, err := fixtures.Profile(name)
		require.NoError(t, err)
		p, err := profile.Decode(name, data)
		require.NoError(t, err)
		assert.Equal(t, name, p.Name)
		for _, a := range p.Arms {
			assert.Contains(t, append(known, record.NullServer), a.Server)
		}
	}
	_, err := fixtures.Profile("none")
	assert.ErrorContains(t, err, "there is none of that name")
}

func TestDecodeMistakes(t *testing.T) {
	for _, tc := range []struct{ old, new, want string }{
		{"arms: [a,", "arms: [a, a,", `x.yaml:4: arms.1: "a" is here twice`},
		{"workers=2", "workers=0", `x.yaml:4: arms.1: arm "b:workers=0:close": workers: `},
		{"workers=2", "wrkers=2", "unknown; there are workers"},
		{"[64, 1]", "[64, 64]", "x.yaml:5: connections: "},
		{"[64, 1]", "[0]", "x.yaml:5: connections.0: "},
		{"window: 1s", "window: 0s", "x.yaml:7: window: "},
		{"window: 1s", "window: 2h", "x.yaml:7: window: "},
		{"window: 1s", "window: soon", "x.yaml:7: window: "},
		{"[500]", "[0]", "x.yaml:6: rates.0: "},
		{"min: 2", "min: 6", "x.yaml:9: blocks: min 6 is above max 5"},
		{"window: 1s", "window: 1s\nwarmup_max: -1s", "x.yaml:8: warmup_max: "},
		{"name: x", "name: x\nexperiments: [{arms: [\"a:route=/json\"], shares: [0.5]}]", `x.yaml:3: experiments.0.shares: no closed loop shows the capacity of the arms`},
		{"name: x", "name: x\nexperiments: [{arms: [\"a:route=/json\"], slo: true}]", `x.yaml:3: experiments.0.slo: no closed loop shows the capacity of the arms`},
		{"name: x", "name: x\nexperiments: [{arms: [\"a:route=/json\"], rates: [5], shares: [0.5]}]", `x.yaml:3: experiments.0.shares: `},
		{"name: x", "name: x\nexperiments: [{arms: [c, c], connections: [5]}]", `x.yaml:3: experiments.0.arms.1: "c" is here twice`},
		{"name: x", "name: x\nexperiments: [{arms: [\"b:close:workers=2\"], connections: [5]}]", `x.yaml:3: experiments.0.arms.0: "b:close:workers=2" is "b:workers=2:close" under another name`},
		{"arms: [a,", "arms: [a, \"a:route=/\",", `x.yaml:4: arms.1: "a:route=/" is "a" under another name`},
		{"name: x", "name: x\nexperiments: [{arms: [], connections: [5]}]", `x.yaml:3: experiments.0.arms: `},
		{"name: x", "name: x\nexperiments: [{arms: [a], connections: []}]", `x.yaml:3: experiments.0.connections: `},
		{"[500]", "[]", "x.yaml:6: rates: "},
		{"name: x", "name: x\nidle: [{connections: 5, rate: 5}, {connections: 5, rate: 5}]", "x.yaml:3: idle: "},
		{"name: x", "name: x\nreplicate: [\"b:workers=2:clsoe\"]", `x.yaml:3: replicate.0: "b:workers=2:clsoe" is not among the arms; did you mean "b:workers=2:close"?`},
		{"workers=2", "wrokers=2", `did you mean "workers"?`},
		{"name: x", "name: x\nreplicate: [z]", `x.yaml:3: replicate.0: "z" is not among the arms`},
		{"window: 1s\n", "", "the key window is missing"},
		{"workers=2", "instances=2", `x.yaml:4: arms.1: arm "b:instances=2:close": instances: are for closed loops only, and the level`},
		{"workers=2", "instances=0", `x.yaml:4: arms.1: arm "b:instances=0:close": instances: `},
		{"workers=2", "instances=2:beside=/cpu", `x.yaml:4: arms.1: arm "b:instances=2:beside=/cpu:close": beside: `},
		{"workers=2", "instances=2:workers=2", `x.yaml:4: arms.1: arm "b:instances=2:workers=2:close": workers: `},
	} {
		broken := strings.Replace(good, tc.old, tc.new, 1)
		require.NotEqual(t, good, broken)
		_, err := profile.Decode("x.yaml", []byte(broken))
		assert.ErrorContains(t, err, tc.want)
	}
}

// TestInstances: connections are dealt to instances, the times of a schedule are not.
func TestInstances(t *testing.T) {
	a, err := profile.ParseArm("s:instances=4:threads=2")
	require.NoError(t, err)
	assert.Equal(t, record.Arm{Name: "s:instances=4:threads=2", Server: "s", Route: "/", Instances: 4, Threads: 2}, a)

	at := func(levels string) error {
		_, err := profile.Decode("x.yaml", []byte(good+"experiments:\n  - {arms: [\"s:instances=4\"], "+levels+"}\n"))
		return err
	}
	require.NoError(t, at("connections: [64, 4]"))
	for _, levels := range []string{"rates: [500]", "idle: [{connections: 1, rate: 500}]", "shares: [0.5]", "slo: true", "connections: [64], rates: [1]", "connections: [2]"} {
		assert.ErrorContains(t, at(levels), `x.yaml:11: experiments.0.arms.0: arm "s:instances=4": instances: `, levels)
	}
	p, err := profile.Decode("x.yaml", []byte(good+"experiments:\n  - {arms: [\"s:instances=4\"], connections: [64]}\n"))
	require.NoError(t, err)
	require.Error(t, p.Select([]string{"b:instances=4"}), "it would visit the levels of the first experiment")
	require.NoError(t, p.Select([]string{"s:instances=4"}), "it is in the profile, at a level of its own")
	closed, err := profile.Decode("x.yaml", []byte(strings.Replace(strings.Replace(good, "rates: [500]\n", "", 1), "[64, 1]", "[64]", 1)))
	require.NoError(t, err)
	require.NoError(t, closed.Select([]string{"b:instances=4", "b:instances=1"}))
	require.ErrorContains(t, closed.Select([]string{"b:instances=65"}), "the level c=64 has fewer connections")
	require.Error(t, closed.Select([]string{"b:instances=4:beside=/cpu"}))
	open, err := profile.Decode("x.yaml", []byte(strings.Replace(good, "[64, 1]", "[64]", 1)))
	require.NoError(t, err)
	require.ErrorContains(t, open.Select([]string{"b:instances=4"}), "closed loops only, and the level r=500/s is open")
}

func TestParseArm(t *testing.T) {
	a, err := profile.ParseArm("s:threads=3:route=/cpu?n=10")
	require.NoError(t, err)
	assert.Equal(t, record.Arm{Name: "s:threads=3:route=/cpu?n=10", Server: "s", Route: "/cpu?n=10", Threads: 3}, a)
	for _, bad := range []string{"", ":close", "s:close=1", "s:route=two words", "s:route=", "s:threads=x", "s:", "s:threads=2:threads=3", "s:close:close"} {
		_, err := profile.ParseArm(bad)
		assert.Error(t, err, bad)
	}
}

func TestSelect(t *testing.T) {
	p, err := profile.Decode("x.yaml", []byte(good))
	require.NoError(t, err)
	require.NoError(t, p.Select([]string{"other:threads=2", "b:workers=2:close", "b:workers=2:close"}))
	require.Len(t, p.Arms, 2)
	assert.Equal(t, "other", p.Arms[0].Server)
	assert.Equal(t, []string{"b:workers=2:close", "other:threads=2"}, p.Experiments[0].Arms)
	require.Error(t, p.Select(nil))
	require.Error(t, p.Select([]string{"s:nonsense"}))
	require.ErrorContains(t, p.Select([]string{"other", "another:shared"}), `arms "other" and "another:shared": in one experiment all arms share the generator's cores, or none does`)
	require.ErrorContains(t, p.Select([]string{"other", "other:route=/"}), `"other:route=/" is "other" under another name`)
}

// TestDroppedLevels: nobody visits them.
func TestDroppedLevels(t *testing.T) {
	p, err := profile.Decode("x.yaml", []byte(good+"shares: [0.5]\n"))
	require.NoError(t, err)
	p.Drop(record.Level{Connections: 64})
	assert.Equal(t, []int{0, 2, 3}, p.Visits(0, "a"))
	assert.Equal(t, []int{0}, p.Visits(0, "null"), "the next nearest")
	p.Drop(record.Level{Connections: 1})
	assert.Nil(t, p.Visits(0, "null"))
}

// TestAnInstanceHasOneCore: one that is asked for by name is pinned like each of several.
func TestAnInstanceHasOneCore(t *testing.T) {
	for text, ok := range map[string]bool{"a:instances=1": true, "a:instances=1:workers=1": true, "a:instances=1:workers=2": false, "a:instances=2:workers=2": false} {
		_, err := profile.ParseArm(text)
		assert.Equal(t, ok, err == nil, "%s: %v", text, err)
	}
}

// TestOneMistakeIsOneLine: what is taken over from another key is not reported a second time.
func TestOneMistakeIsOneLine(t *testing.T) {
	_, err := profile.Decode("x.yaml", []byte(strings.Replace(good, "window: 1s", "window: 0s", 1)))
	require.EqualError(t, err, `x.yaml:7: window: "0s": want a duration above 0 and up to 1h`)
	_, err = profile.Decode("x.yaml", []byte(good+"timeout: 15m\n"))
	require.ErrorContains(t, err, `timeout: "15m": want a duration above 0 and up to 10m`, "longer ones could not be recorded")
}

func TestQuotableIsTrueUnlessTheProfileSaysNo(t *testing.T) {
	for text, want := range map[string]bool{"": true, "quotable: true\n": true, "quotable: false\n": false} {
		p, err := profile.Decode("x.yaml", []byte(good+text))
		require.NoError(t, err)
		assert.Equal(t, want, p.Quotable, text)
	}
}

// TestNoLevelIsLeftThatNobodyVisits after a selection of arms, and no experiment without arms.
func TestNoLevelIsLeftThatNobodyVisits(t *testing.T) {
	p, err := profile.Decode("x.yaml", []byte(good+"replicate: [a]\nexperiments: [{arms: [\"a:route=/json\"], connections: [64, 4]}]\n"))
	require.NoError(t, err)
	require.NoError(t, p.Select([]string{"a:route=/json"}))
	assert.Equal(t, []record.Level{{Connections: 4}, {Connections: 64}}, p.Levels)
	require.Len(t, p.Experiments, 1)
	assert.Empty(t, p.Replicates)
	arms := p.Enter()
	require.Len(t, arms, 3)
	assert.Equal(t, []int{0, 1}, p.Visits(0, arms[0].Name))
}

// TestSetBlocks: what is asked for on the command line is every experiment's.
func TestSetBlocks(t *testing.T) {
	p, err := profile.Decode("x.yaml", []byte(good+"experiments: [{arms: [c], connections: [4], blocks: {min: 7, max: 9}}]\n"))
	require.NoError(t, err)
	p.SetBlocks(record.Range{Min: 1, Max: 2})
	for _, e := range p.Experiments {
		assert.Equal(t, record.Range{Min: 1, Max: 2}, e.Blocks)
	}
}

func TestMistakesThatOthersFindHaveTheirLine(t *testing.T) {
	p, err := profile.Decode("x.yaml", []byte(good+"claims: [one, tow]\nexperiments:\n  - {arms: [z], connections: [4]}\n"))
	require.NoError(t, err)
	err = p.CheckArms(func(a record.Arm) error {
		if a.Server == "z" {
			return errors.New("no such server")
		}
		return nil
	})
	require.EqualError(t, err, "x.yaml:12: experiments.0.arms.0: no such server")
	require.EqualError(t, p.CheckClaims([]string{"one", "two"}), `x.yaml:10: claims.1: there is no claim "tow" in the ledger; did you mean "two"?`)
}
