package bench

import (
	"context"
	"sync"
	"time"

	"github.com/hellobench/hellobench/internal/plan"
	"github.com/hellobench/hellobench/internal/record"
)

// blockRun is a block while it runs.
type blockRun struct {
	*Bench
	block      *record.Block
	experiment *record.Experiment
	trials     []*trialRun // by position
	event      Event
}

// block runs one block: all servers up, then its passes. The error is ctx's;
// everything that a server does wrong is recorded in its trial.
func (b *Bench) block(ctx context.Context, number int, ev Event) ([]*record.Trial, error) {
	r := &blockRun{Bench: b, block: &b.Run.Plan[number], event: ev}
	r.experiment = &b.Run.Experiments[r.block.Experiment]
	defer r.stop()
	for i, planned := range r.block.Trials {
		t := newTrial(r, planned)
		t.record.Block, t.record.Position = number, i
		r.trials = append(r.trials, t)
		r.tellOf(t, ServerStarts, nil)
		err := t.start(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			t.fail(err)
		}
	}
	for pass := range r.experiment.Passes {
		for _, round := range plan.Pass(r.block, b.Run.Levels, pass) {
			for _, i := range round.Trials {
				t := r.trials[i]
				if t.server == nil {
					continue
				}
				err := t.visit(ctx, round.Level, pass)
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				if err != nil {
					t.fail(err)
				}
			}
		}
	}
	r.stop()
	out := make([]*record.Trial, len(r.trials))
	for i, t := range r.trials {
		out[i] = t.record
	}
	return out, nil
}

// stop ends all servers, at the same time.
func (r *blockRun) stop() {
	var wg sync.WaitGroup
	for _, t := range r.trials {
		wg.Go(t.stop)
	}
	wg.Wait()
}

// residents asks for the processor time of the servers other than one.
func (r *blockRun) residents(but *trialRun) func() time.Duration {
	var all []func() time.Duration
	for _, t := range r.trials {
		if t != but && t.server != nil {
			all = append(all, t.server.Clock())
		}
	}
	return func() (sum time.Duration) {
		for _, clock := range all {
			sum += clock()
		}
		return sum
	}
}

func (r *blockRun) tellOf(t *trialRun, kind EventKind, w *record.Window) {
	ev := r.event
	ev.Arm, ev.Window, ev.Failure = t.arm.Name, w, t.record.Failure
	r.tell(ev, kind)
}
