package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/report/table"
)

// progress says how far a run is: on a terminal in one line that is written over,
// elsewhere a line a block; a server that failed has a line of its own.
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
	where := fmt.Sprintf("%s, block %d of %d", ev.Experiment, ev.Block+1, ev.Blocks)
	left := fmt.Sprintf("; about %v left", ev.Remaining.Round(time.Second))
	what := ""
	switch ev.Kind {
	case bench.ArmFailed:
		p.line(fmt.Sprintf("%s: %s FAILED: %s", where, ev.Arm, ev.Failure), true)
	case bench.BlockEnds:
		if p.live == nil {
			p.line(fmt.Sprintf("%s: took %v%s", where, ev.Took.Round(100*time.Millisecond), left), false)
		}
	case bench.ServerStarts:
		what = ": starting " + ev.Arm
	case bench.WindowEnds:
		if what = ": warming up " + ev.Arm; !ev.Window.Warmup {
			what = fmt.Sprintf(": %s at %v: %.0f req/s", ev.Arm, ev.Window.Level, ev.Window.Load.Throughput())
		}
	case bench.BlockBegins:
	}
	if p.live != nil {
		p.live.status(fmt.Sprintf("%3.0f%%  %s%s%s", 100*ev.Done, where, left, what))
	}
}

// line writes one; what is long is wrapped or cut where the terminal is narrow.
func (p *progress) line(text string, whole bool) {
	if columns := columnsOf(p.w); whole {
		text = wrap("", text, "", columns)
	} else {
		text = table.Cut(text, columns-1) + "\n"
	}
	_, _ = io.WriteString(p.w, text)
}

// close clears the line, so that what is printed next begins on a clean one.
func (p *progress) close() {
	if p.live != nil {
		p.live.status("")
	}
}
