// Package junit renders the verdicts of a Document as JUnit's XML, which CI
// systems show. A verdict is an answer and no failure: a claim that was
// answered is a case that passed, whatever the answer, and one that was not is
// skipped. Where a verdict is required, another answer is a failure, and none is an error.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
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
	Failure *failure `xml:"failure"`
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

// Write renders one case a claim, held against the verdict that is required of
// it, if one is. A run that the machine spoiled, and a server that failed, are errors of their own.
func Write(w io.Writer, d *report.Document, required map[string]claims.Value) error {
	s := suite{Name: show.Text(d.Title), Timestamp: d.Asked.Start.UTC().Format("2006-01-02T15:04:05")}
	if !d.Asked.End.IsZero() {
		s.Time = d.Asked.End.Sub(d.Asked.Start).Round(time.Millisecond).Seconds()
	}
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		c := kase{Class: "hellobench.claims", Name: show.Text(v.ID), Out: text(v)}
		message := show.Text(fmt.Sprintf("%s: %s", v.Verdict, v.Reason))
		want := required[v.ID]
		if want != "" && want != v.Verdict {
			message = show.Text(fmt.Sprintf("required was %s, the answer is %s", want, message))
		}
		switch {
		case want == v.Verdict:
		case want != "" && v.Verdict.Answers():
			c.Failure = &failure{Message: message, Type: "another-answer"}
			s.Failures++
		case want != "":
			c.Error = &failure{Message: message, Type: "no-answer"}
			s.Errors++
		case !v.Verdict.Answers():
			c.Skipped = &skipped{Message: message}
			s.Skipped++
		}
		s.Cases = append(s.Cases, c)
	}
	fails := func(name, message, kind string) {
		s.Errors++
		s.Cases = append(s.Cases, kase{Class: "hellobench", Name: show.Text(name), Error: &failure{Message: show.Text(message), Type: kind}})
	}
	if d.Invalid() {
		fails("validity", "the machine spoiled every figure or every block", "invalid")
	}
	for _, b := range d.FailedServers() {
		fails(strings.TrimSuffix(b.Arm+" at "+b.Level, " at "), b.String(), "server-failed")
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
