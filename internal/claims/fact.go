package claims

import (
	"fmt"

	"github.com/hellobench/hellobench/internal/sample"
)

// facts holds what the arms said of themselves against what the claim says.
func (e *evaluation) facts(v *Verdict, facts []Fact) {
	holds, fails := "", ""
	var unknown sample.Lack
	for _, f := range facts {
		found := Found{Group: f.Group, Arm: f.Arm, Field: f.Field, Want: f.Is, Found: e.said(f.Arm, f.Field)}
		found.Holds = found.Found == f.Is
		v.Facts = append(v.Facts, found)
		text := fmt.Sprintf("%s: %s of %s is %s", f.Group, f.Field, f.Arm, found.Found)
		switch {
		case found.Found == "":
			if unknown = e.absent(f.Arm); unknown == (sample.Lack{}) {
				unknown = sample.Lack{Cause: sample.NoSample, Detail: fmt.Sprintf("%s did not say its %s", f.Arm, f.Field)}
			}
			unknown.Detail = fmt.Sprintf("%s: %s", f.Group, unknown.Detail)
		case found.Holds && holds == "":
			holds = text
		case !found.Holds && fails == "":
			fails = text
		}
	}
	switch {
	case holds != "" && fails != "":
		v.Verdict, v.Reason = Depends, fmt.Sprintf("it holds for some (%s) and not for others (%s)", holds, fails)
		v.Flips = "Which of them runs decides."
	case fails != "":
		v.Verdict, v.Reason = Refuted, fails
	case unknown != (sample.Lack{}):
		v.Verdict, v.Cause, v.Reason = NotTestable, unknown.Cause, unknown.String()
	default:
		v.Verdict, v.Reason = Supported, holds
	}
}

// said is what the trials of an arm agree on; the newest where they do not,
// for a restart may change a count. It is empty if none said anything.
func (e *evaluation) said(arm, field string) (value string) {
	for _, block := range e.table.Blocks.Counted {
		if start := e.table.Start(arm, block); start != nil {
			if text, ok := start.Runtime[field]; ok {
				value = text
			}
		}
	}
	return value
}
