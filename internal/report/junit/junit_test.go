package junit_test

import (
	"bytes"
	"encoding/xml"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/junit"
	"github.com/hellobench/hellobench/internal/report/synthetic"
)

type message struct {
	Message string `xml:"message,attr"`
}

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
			Failure *message `xml:"failure"`
			Error   *message `xml:"error"`
			Out     string   `xml:"system-out"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func write(t *testing.T, doc *report.Document, required map[string]claims.Value) (f file) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, junit.Write(&b, doc, required))
	require.NoError(t, xml.Unmarshal(b.Bytes(), &f), b.String())
	require.Len(t, f.Suites, 1)
	return f
}

func TestWrite(t *testing.T) {
	doc, err := synthetic.Document(synthetic.Run(4, false))
	require.NoError(t, err)
	doc.Verdicts[0].Reason = "]]></system-out><&\x00"
	s := write(t, doc, nil).Suites[0]
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
	doc, err := synthetic.Document(synthetic.Run(4, false))
	require.NoError(t, err)
	for i := range doc.Cells {
		doc.Cells[i].Broken, doc.Cells[i].Gates = 0, []report.GateCount{{Name: record.GateHostNoise, Count: 4}}
	}
	s := write(t, doc, nil).Suites[0]
	assert.Equal(t, 1, s.Errors)
	assert.NotNil(t, s.Cases[len(s.Cases)-1].Error)
}

// TestFailedServer: so is a server that failed by itself.
func TestFailedServer(t *testing.T) {
	doc, err := synthetic.Document(synthetic.Run(4, false))
	require.NoError(t, err)
	doc.Breakdowns = []report.Breakdown{{Arm: "django", Level: "c=16", Starts: 4, Of: 4, Detail: "status 500"}}
	s := write(t, doc, nil).Suites[0]
	assert.Equal(t, 1, s.Errors)
	last := s.Cases[len(s.Cases)-1]
	assert.Equal(t, "django at c=16", last.Name)
	assert.Contains(t, last.Error.Message, "status 500")
}

// TestRequired holds each verdict of the run against one that is required of it.
func TestRequired(t *testing.T) {
	doc, err := synthetic.Document(synthetic.Run(4, false))
	require.NoError(t, err)
	for _, c := range []struct {
		id               string
		want             claims.Value
		failures, errors int
		says             string
	}{
		{"node-many-connections", claims.Supported, 0, 0, ""},
		{"python-gil", claims.Inconclusive, 0, 0, ""},
		{"node-lightweight", claims.Supported, 1, 0, "required was supported, the answer is refuted: "},
		{"node-faster", claims.Supported, 1, 0, "required was supported, the answer is depends: "},
		{"node-many-connections", claims.Inconclusive, 1, 0, "required was inconclusive, the answer is supported: "},
		{"python-gil", claims.Supported, 0, 1, "required was supported, the answer is inconclusive: "},
		{"node-cluster-scales", claims.Refuted, 0, 1, "required was refuted, the answer is not testable here: "},
	} {
		s := write(t, doc, map[string]claims.Value{c.id: c.want}).Suites[0]
		assert.Equal(t, c.failures, s.Failures, "%s %s", c.id, c.want)
		assert.Equal(t, c.errors, s.Errors, "%s %s", c.id, c.want)
		for _, k := range s.Cases {
			for _, m := range []*message{k.Failure, k.Error} {
				if m != nil {
					assert.Equal(t, c.id, k.Name)
					assert.Contains(t, m.Message, c.says)
				}
			}
			assert.False(t, k.Name == c.id && k.Skipped != nil, "what is required is never skipped")
		}
	}
}
