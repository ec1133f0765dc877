// Package junit renders the verdicts of a Document as JUnit's XML, which CI
// systems show. A verdict is an answer and no failure: a claim that was
// answered is a case that passed, whatever the answer, and one that was not is skipped.
// What has to be so is required with `hellobench verdicts --require`.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []suite  `xml:"testsuite"`
}

type suite struct {
	Name      string  `xml:"name,attr"`
	Tests     int     `xml:"tests,attr"`
	Failures  int     `xml:"failures,attr"`
	Errors    int     `xml:"errors,attr"`
	Skipped   int     `xml:"skipped,attr"`
	Time      float64 `xml:"time,attr"`
	Timestamp string  `xml:"timestamp,attr"`
	Cases     []kase  `xml:"testcase"`
}

type kase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    float64  `xml:"time,attr"`
	Skipped *skipped `xml:"skipped"`
	Error   *failure `xml:"error"`
	Out     string   `xml:"system-out,omitempty"`
}

type skipped struct {
	Message string `xml:"message,attr"`
}

type failure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
}

// Write renders one case a claim. An arm that failed in every start is an error of its own.
func Write(w io.Writer, d *report.Document) error {
	s := suite{Name: show.Text(d.Title), Timestamp: d.Asked.Start.UTC().Format("2006-01-02T15:04:05")}
	if !d.Asked.End.IsZero() {
		s.Time = d.Asked.End.Sub(d.Asked.Start).Round(time.Millisecond).Seconds()
	}
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		c := kase{Class: "hellobench.claims", Name: show.Text(v.ID), Out: text(v)}
		if v.Verdict == claims.Inconclusive || v.Verdict == claims.NotTestable {
			c.Skipped = &skipped{Message: show.Text(fmt.Sprintf("%s: %s", v.Verdict, v.Reason))}
			s.Skipped++
		}
		s.Cases = append(s.Cases, c)
	}
	if d.Invalid() {
		s.Errors++
		s.Cases = append(s.Cases, kase{Class: "hellobench", Name: "validity", Error: &failure{Message: "every figure failed a validity gate", Type: "invalid"}})
	}
	s.Tests = len(s.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(suites{Suites: []suite{s}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func text(v *claims.Verdict) string {
	out := fmt.Sprintf("%s\n%s: %s", show.Text(v.Paraphrase), v.Verdict, show.Text(v.Reason))
	if effect := show.Effect(v.Effect, v.Low, v.High); effect != show.None {
		out += "\neffect " + effect
	}
	if v.Flips != "" {
		out += "\n" + show.Text(v.Flips)
	}
	return out
}
