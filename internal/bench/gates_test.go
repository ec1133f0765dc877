package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/record"
)

// TestEachGateTripsAlone breaks a sound window in one way at a time.
func TestEachGateTripsAlone(t *testing.T) {
	run := &record.Run{LoadCPUs: []int{1}, Engine: record.EngineChoice{Ceiling: 10000}}
	sound := func() *record.Window {
		return &record.Window{Level: record.Level{Connections: 4}, Load: record.Measurement{
			Connections: 4, Established: 4, Duration: time.Second, Requests: 4000, OK: 4000, Completed: 4000,
			InFlight: 4 * time.Second, CPU: record.CPU{User: 300 * time.Millisecond},
		}}
	}
	assert.Empty(t, gates(sound(), record.Arm{}, run))
	for name, spoil := range map[string]func(w *record.Window){
		record.GateGeneratorCPU: func(w *record.Window) { w.Load.CPU.System = 400 * time.Millisecond },
		record.GateCeiling:      func(w *record.Window) { w.Load.Completed = 5001 },
		record.GateConnections:  func(w *record.Window) { w.Load.Established = 3 },
		record.GateHostNoise: func(w *record.Window) {
			w.Host = record.Disturbance{Elapsed: 2 * time.Second, Others: 201 * time.Millisecond}
		},
		record.GateWindow: func(w *record.Window) { // longer than a window is what each connection waits for
			w.Load.Requests, w.Load.OK, w.Load.Completed = 0, 0, 0
		},
		record.GateNetwork: func(w *record.Window) {
			w.Network = &record.Network{ListenOverflows: 12, ListenDrops: 12, SYNRetransmits: 12}
		},
		record.GateResident:   func(w *record.Window) { w.Others = 51 * time.Millisecond },
		record.GateErrors:     func(w *record.Window) { w.Load.Errors.Reset = 5 },
		record.GateLittlesLaw: func(w *record.Window) { w.Load.InFlight = 3900 * time.Millisecond },
	} {
		w := sound()
		spoil(w)
		failed := gates(w, record.Arm{}, run)
		if assert.Len(t, failed, 1, name) {
			assert.Equal(t, name, failed[0].Name)
			assert.NotEmpty(t, failed[0].Detail)
		}
	}
	stopped := sound()
	stopped.Load.Stalled = 101 * time.Millisecond
	if failed := gates(stopped, record.Arm{}, run); assert.Len(t, failed, 1) {
		assert.Equal(t, record.Gate{Name: record.GateHostNoise, Detail: "the generator did not run for 101ms of the window of 1s: it was stopped, or had no core"}, failed[0])
	}
	for n, lost := range map[record.Network]bool{
		{ListenDrops: 4 + 7}:      false, // the burst of the opening, a request in a thousand and strays
		{ListenDrops: 4*4 + 7}:    false,
		{ListenDrops: 4*4 + 8}:    true,
		{SYNRetransmits: 4 + 8}:   true,
		{Resets: 2*(4+3) + 7}:     false, // each of the three errors at both ends
		{Resets: 2*(4+3) + 7 + 1}: true,
	} {
		w := sound()
		w.Network, w.Load.Errors.Reset = &n, 3
		assert.Equal(t, lost, len(gates(w, record.Arm{}, run)) == 1, "%+v", n)
	}
	many := sound()
	many.Level.Connections, many.Load.Connections, many.Load.Established = 8, 8, 8
	many.Load.InFlight = 8 * time.Second
	run.Engine.Ceilings = []record.Ceiling{{Connections: 8, Throughput: 7000}}
	if failed := gates(many, record.Arm{}, run); assert.Len(t, failed, 1, "the ceiling is that of the level") {
		assert.Equal(t, record.GateCeiling, failed[0].Name)
	}
	assert.Empty(t, gates(sound(), record.Arm{}, run), "and of no other")

	open := sound()
	late := 2 * time.Millisecond
	open.Level, open.Load.Offered, open.Load.Scheduled = record.Level{Rate: 4000}, 4000, 4000
	open.Load.Latency, open.Load.Slip = &record.Distribution{Percentiles: record.Percentiles{P50: &late}}, &record.Distribution{Percentiles: record.Percentiles{P50: &late}}
	if failed := gates(open, record.Arm{}, run); assert.Len(t, failed, 1) {
		assert.Equal(t, record.GateOfferedRate, failed[0].Name)
	}
	*open.Load.Latency = record.Distribution{}
	assert.Empty(t, gates(open, record.Arm{}, run))
	open.Load.Scheduled = 4100
	if failed := gates(open, record.Arm{}, run); assert.Len(t, failed, 1) {
		assert.Contains(t, failed[0].Detail, "97.6%")
	}
	assert.Equal(t, record.GateErrors, gates(&record.Window{Level: record.Level{Rate: 1}, Load: record.Measurement{Duration: time.Second}}, record.Arm{}, run)[0].Name, "no requests is no success")
}
