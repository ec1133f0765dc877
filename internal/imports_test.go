// Package internal_test holds the directions of the imports.
package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/hellobench/hellobench/"

// allowed says which of our own packages a package may import; a name stands
// for its subpackages too. What is not listed may import nothing of ours.
// The flow is profile, plan, bench (runners, load, host), record, sample (stats),
// claims, report, renderers; session puts together what measures, and cli the rest.
var allowed = map[string][]string{
	"cmd/hellobench":    {"internal/cli"},
	"runners":           {"internal/host", "internal/http1", "internal/record", "internal/yamlfile"},
	"internal/yamlfile": {"docs/formats", "internal/yamlfile"},
	"internal/host":     {"internal/host", "internal/record"},
	"internal/record":   {"internal/yamlfile"},
	"internal/profile":  {"internal/record", "internal/yamlfile"},
	"internal/plan":     {"internal/record"},
	"internal/load":     {"internal/load", "internal/host", "internal/http1", "internal/record"},
	"internal/bench":    {"internal/load", "internal/host", "internal/http1", "internal/plan", "internal/record", "internal/stats"}, // it is pure mathematics, and says when a start is warm
	"internal/sample":   {"internal/record", "internal/stats"},
	"internal/claims":   {"internal/record", "internal/sample", "internal/stats", "internal/yamlfile"},
	"internal/explain":  {"internal/yamlfile"},
	"internal/report":   {"docs", "internal/report", "internal/explain", "internal/record", "internal/sample", "internal/stats", "internal/claims"},
	"internal/machine":  {"runners", "internal/load", "internal/host", "internal/record"},
	"internal/agent":    {"runners", "internal/machine", "internal/load", "internal/host", "internal/http1", "internal/record"},
	"internal/session": {
		"fixtures", "runners", "internal/machine", "internal/agent", "internal/profile", "internal/plan", "internal/bench", "internal/load", "internal/host", "internal/http1",
		"internal/record", "internal/sample", "internal/claims", "internal/explain", "internal/yamlfile",
	},
	"internal/cli": {
		"fixtures", "runners", "internal/session", "internal/agent", "internal/bench", "internal/load", "internal/host", "internal/http1",
		"internal/record", "internal/sample", "internal/stats", "internal/claims", "internal/explain", "internal/report", "internal/yamlfile",
	},
}

// only says where a library may be imported.
var only = map[string]string{
	"github.com/tsenart/vegeta":               "internal/load/vegeta",
	"github.com/olekukonko/tablewriter":       "internal/report/table",
	"gonum.org/v1/plot":                       "internal/report/plot",
	"github.com/spf13/cobra":                  "internal/cli",
	"github.com/goccy/go-yaml":                "internal/yamlfile",
	"github.com/prometheus/procfs":            "runners",
	"github.com/HdrHistogram/hdrhistogram-go": "internal/record",
}

func TestImportDirections(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	require.NoError(t, err)
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		seen++
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			if to, ours := strings.CutPrefix(imp, module); ours {
				assert.True(t, within(to, allowed[longest(from)]...), "%s must not import %s", from, to)
				continue
			}
			for lib, home := range only {
				if within(imp, lib) {
					assert.True(t, within(from, home), "%s must not import %s: only %s does", from, imp, home)
				}
			}
		}
	}
	assert.Greater(t, seen, 10)
}

// longest is the entry of allowed that holds the package.
func longest(from string) string {
	for p := from; p != "."; p = path.Dir(p) {
		if _, ok := allowed[p]; ok {
			return p
		}
	}
	return ""
}

func within(name string, folders ...string) bool {
	for _, f := range folders {
		if name == f || strings.HasPrefix(name, f+"/") {
			return true
		}
	}
	return false
}
