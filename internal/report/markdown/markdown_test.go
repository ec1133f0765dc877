package markdown_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report/markdown"
	"github.com/hellobench/hellobench/internal/report/synthetic"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func render(t *testing.T, run *record.Run, trials []record.Trial, verdicts []claims.Verdict) string {
	t.Helper()
	d, err := synthetic.Document(run, trials, verdicts)
	require.NoError(t, err)
	var b, again bytes.Buffer
	require.NoError(t, markdown.Write(&b, d))
	require.NoError(t, markdown.Write(&again, d))
	assert.Equal(t, b.String(), again.String())
	assert.NotContains(t, b.String(), "NaN")
	columns := 0
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := len(regexp.MustCompile(`(?:^|[^\\])\|`).FindAllString(line, -1))
		if columns == 0 {
			columns = n
		}
		assert.Equal(t, columns, n, "a row with another number of columns: %s", line)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	run, trials, verdicts := synthetic.Run(6, true)
	run.Quotable = false
	got := render(t, run, trials, verdicts)
	path := filepath.Join("testdata", "report.md")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "run with -update if the change is meant")
	assert.Less(t, strings.Index(got, "QUICK LOOK"), strings.Index(got, "node-faster"), "the warning comes before any figure")
	assert.Less(t, strings.Index(got, "### node-faster"), strings.Index(got, "plots/throughput.svg"))
	assert.Contains(t, got, `Node \| V8 is &lt;lightweight&gt;.`)
}

func TestOutsideTextIsNoMarkup(t *testing.T) {
	run, trials, _ := synthetic.Run(1, false)
	evil := "# <script>x</script> | [a](http://e.vil) ![b](c) `d` *e* _f_ @user https://e.vil www.e.vil\n\n## heading"
	run.Notices, run.Description, run.Method = []string{evil}, evil, evil
	run.Arms[4].Route = evil
	got := render(t, run, trials, []claims.Verdict{{ID: evil, Paraphrase: evil, Reason: evil, Flips: evil, Verdict: claims.Value(evil)}})
	got = regexp.MustCompile("`[^`]*`").ReplaceAllString(got, "") // a code span holds anything
	for _, markup := range []string{"<script", "[a](http", "![b]", "www.e", " *e*", " _f_", "@user", "https://e", "\n## heading"} {
		assert.NotContains(t, got, markup)
	}
}

func TestEdges(t *testing.T) {
	run, trials, _ := synthetic.Run(1, false)
	assert.Contains(t, render(t, run, nil, nil), "NOTHING WAS MEASURED.")
	assert.NotContains(t, render(t, run, nil, nil), "What the measurement says", "no claim was asked")
	assert.Contains(t, render(t, run, trials[:1], nil), "NO COMPLETE BLOCK")
	assert.Contains(t, render(t, &record.Run{}, nil, nil), "machine not recorded")
}

// TestTheQuestionIsTheHeading, and the run's name follows.
func TestTheQuestionIsTheHeading(t *testing.T) {
	d, err := synthetic.Document(synthetic.Run(2, false))
	require.NoError(t, err)
	d.Question = "Is <this> so?"
	var b bytes.Buffer
	require.NoError(t, markdown.Write(&b, d))
	assert.True(t, strings.HasPrefix(b.String(), "# Is &lt;this&gt; so?\n\nRun 20250314-092653-article, profile article.\n"))
}
