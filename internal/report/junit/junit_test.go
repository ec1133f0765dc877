package junit_test

import (
	"bytes"
	"encoding/xml"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/junit"
	"github.com/hellobench/hellobench/internal/report/synthetic"
)

type file struct {
	Suites []struct {
		Tests    int `xml:"tests,attr"`
		Skipped  int `xml:"skipped,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Cases    []struct {
			Name    string `xml:"name,attr"`
			Skipped *struct {
				Message string `xml:"message,attr"`
			} `xml:"skipped"`
			Error *struct{} `xml:"error"`
			Out   string    `xml:"system-out"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func write(t *testing.T, doc *report.Document) (f file) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, junit.Write(&b, doc))
	require.NoError(t, xml.Unmarshal(b.Bytes(), &f), b.String())
	require.Len(t, f.Suites, 1)
	return f
}

func TestWrite(t *testing.T) {
	doc, err := report.Build(synthetic.Run(4, false))
	require.NoError(t, err)
	doc.Verdicts[0].Reason = "]]></system-out><&\x00"
	s := write(t, doc).Suites[0]
	assert.Equal(t, len(doc.Verdicts), s.Tests)
	assert.Equal(t, 2, s.Skipped, "inconclusive and not testable")
	assert.Zero(t, s.Failures)
	assert.Zero(t, s.Errors)
	for i, c := range s.Cases {
		assert.Equal(t, doc.Verdicts[i].ID, c.Name)
		assert.Contains(t, c.Out, string(doc.Verdicts[i].Verdict))
	}
	require.NotNil(t, s.Cases[3].Skipped)
	assert.Contains(t, s.Cases[3].Skipped.Message, "inconclusive: ")
}

// TestInvalidRun: a run that no answer can stand on is an error of CI's.
func TestInvalidRun(t *testing.T) {
	doc, err := report.Build(synthetic.Run(4, false))
	require.NoError(t, err)
	for i := range doc.Cells {
		doc.Cells[i].Gates = []report.GateCount{{Name: record.GateErrors, Count: 4}}
	}
	s := write(t, doc).Suites[0]
	assert.Equal(t, 1, s.Errors)
	assert.NotNil(t, s.Cases[len(s.Cases)-1].Error)
}
