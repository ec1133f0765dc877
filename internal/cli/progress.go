package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/report/table"
)

// progress shows how far a run is: a line that changes on a terminal, a line
// a trial elsewhere.
type progress struct {
	w    io.Writer
	live *terminal // nil: lines
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w}
	if t, ok := w.(*terminal); ok && t.live {
		p.live = t
	}
	return p
}

func (p *progress) observe(ev bench.Event) {
	if ev.Kind == bench.TrialEnds && (p.live == nil || ev.Failure != "") {
		p.line(ev)
	}
	if p.live == nil {
		return
	}
	done, what := ev.Block*ev.Trials+ev.Trial, ev.Arm
	switch ev.Kind {
	case bench.TrialEnds:
		done++
	case bench.WindowEnds:
		if !ev.Window.Warmup {
			what += fmt.Sprintf(" %v: %.0f req/s", ev.Window.Level, ev.Window.Load.Throughput())
		}
	case bench.TrialBegins:
	}
	p.live.status(fmt.Sprintf("%3d%%  block %d of %d, about %v left, %s",
		100*done/max(ev.Blocks*ev.Trials, 1), ev.Block+1, ev.Blocks, ev.Remaining.Round(time.Second), what))
}

// line is for a trial that has ended. On a terminal it does not wrap, but for
// the reason of a failure.
func (p *progress) line(ev bench.Event) {
	where := fmt.Sprintf("block %d of %d, trial %d of %d: %s ", ev.Block+1, ev.Blocks, ev.Trial+1, ev.Trials, ev.Arm)
	left := fmt.Sprintf("; about %v left", ev.Remaining.Round(time.Second))
	text := where + fmt.Sprintf("took %v", ev.Took.Round(100*time.Millisecond)) + left + "\n"
	_, narrow := p.w.(*terminal)
	switch {
	case ev.Failure != "" && narrow:
		text = wrap("", where+"FAILED: "+ev.Failure+left, "", table.Columns(p.w))
	case ev.Failure != "":
		text = where + "FAILED: " + ev.Failure + left + "\n"
	case narrow:
		text = table.Cut(text[:len(text)-1], table.Columns(p.w)-1) + "\n"
	}
	_, _ = io.WriteString(p.w, text)
}

func (p *progress) close() {
	if p.live != nil {
		p.live.status("")
	}
}
