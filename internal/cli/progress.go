package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/hellobench/hellobench/internal/bench"
)

// progress shows how far a run is: a bar with the time left on a terminal,
// a line a trial elsewhere.
type progress struct {
	w   io.Writer
	bar *progressbar.ProgressBar // nil: lines
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w}
	if f := terminal(w); f != nil {
		p.bar = progressbar.NewOptions(1,
			progressbar.OptionSetWriter(f), progressbar.OptionSetWidth(20), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionUseANSICodes(true),
		)
	}
	return p
}

func (p *progress) observe(ev bench.Event) {
	if p.bar == nil {
		p.line(ev)
		return
	}
	p.bar.ChangeMax(ev.Blocks * ev.Trials)
	done := ev.Block*ev.Trials + ev.Trial
	what := ev.Arm
	switch ev.Kind {
	case bench.TrialEnds:
		done++
		if ev.Failure != "" {
			_ = p.bar.Clear()
			p.line(ev)
		}
	case bench.WindowEnds:
		if !ev.Window.Warmup {
			what += fmt.Sprintf(" %v: %.0f req/s", ev.Window.Level, ev.Window.Load.Throughput())
		}
	case bench.TrialBegins:
	}
	p.bar.Describe(fmt.Sprintf("block %d of %d, about %v left, %s", ev.Block+1, ev.Blocks, ev.Remaining.Round(time.Second), what))
	_ = p.bar.Set(done)
}

func (p *progress) line(ev bench.Event) {
	if ev.Kind != bench.TrialEnds {
		return
	}
	text := fmt.Sprintf("took %v", ev.Took.Round(100*time.Millisecond))
	if ev.Failure != "" {
		text = "FAILED: " + ev.Failure
	}
	_, _ = fmt.Fprintf(p.w, "block %d of %d, trial %d of %d: %s %s; about %v left\n",
		ev.Block+1, ev.Blocks, ev.Trial+1, ev.Trials, ev.Arm, text, ev.Remaining.Round(time.Second))
}

func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
