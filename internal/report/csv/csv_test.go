package csv_test

import (
	"bytes"
	encoding "encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/csv"
	"github.com/hellobench/hellobench/internal/report/synthetic"
	"github.com/hellobench/hellobench/internal/sample"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run with -update if the change is meant")
}

func document(t *testing.T) *report.Document {
	t.Helper()
	run, trials, verdicts := synthetic.Run(3, false)
	d, err := synthetic.Document(run, trials, verdicts)
	require.NoError(t, err)
	return d
}

func TestGolden(t *testing.T) {
	var cells bytes.Buffer
	require.NoError(t, csv.Write(&cells, document(t)))
	golden(t, "cells.csv", cells.Bytes())
}

func TestRowsReadBack(t *testing.T) {
	run, trials, verdicts := synthetic.Run(3, false)
	for i := range trials {
		for j := range trials[i].Windows {
			trials[i].Windows[j].Load.Latency.P99 = nil
		}
	}
	d, err := synthetic.Document(run, trials, verdicts)
	require.NoError(t, err)
	d.Arms[0].Server = `=HYPERLINK("http://e.vil")`
	var b bytes.Buffer
	require.NoError(t, csv.Write(&b, d))
	rows, err := encoding.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, len(d.Cells)+1)
	field := func(row int, name string) string { return rows[row][slices.Index(rows[0], name)] }
	v, err := strconv.ParseFloat(field(1, "throughput_rps"), 64)
	require.NoError(t, err)
	assert.InDelta(t, d.Cells[0].Of(sample.Throughput).Mid, v, 0, "unrounded")
	assert.Empty(t, field(1, "p99_s"))
	assert.Equal(t, `'=HYPERLINK("http://e.vil")`, field(1, "server"))
}

func TestJSON(t *testing.T) {
	d := document(t)
	var first, second bytes.Buffer
	require.NoError(t, report.WriteJSON(&first, d))
	require.NoError(t, report.WriteJSON(&second, document(t)))
	assert.True(t, bytes.Equal(first.Bytes(), second.Bytes()), "the same records must give the same bytes")
	var tree any
	require.NoError(t, json.Unmarshal(first.Bytes(), &tree))
	keys := map[string]bool{}
	walk(tree, "", keys)
	var names []string
	for k := range keys {
		names = append(names, k)
	}
	slices.Sort(names)
	golden(t, "document.keys", []byte(strings.Join(names, "\n")+"\n"))
}

// walk collects the paths of all keys, for they are what other programs rely on.
func walk(v any, path string, keys map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, w := range v {
			keys[path+"."+k] = true
			walk(w, path+"."+k, keys)
		}
	case []any:
		for _, w := range v {
			walk(w, path+"[]", keys)
		}
	}
}

func TestEmptyRun(t *testing.T) {
	d, err := synthetic.Document(&record.Run{}, nil, nil)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, csv.Write(&b, d))
	assert.Equal(t, 1, strings.Count(b.String(), "\n"), "the header alone")
	b.Reset()
	require.NoError(t, report.WriteJSON(&b, d))
	assert.NotContains(t, b.String(), `"cells": null`)
}

// TestNoNameIsMissing: pandas and R read some words as a value that is missing.
func TestNoNameIsMissing(t *testing.T) {
	d := document(t)
	d.Cells[0].Arm, d.Arms[0].Name, d.Arms[0].Server = "NaN:workers=2", "NaN:workers=2", "NaN"
	var b bytes.Buffer
	require.NoError(t, csv.Write(&b, d))
	rows, err := encoding.NewReader(&b).ReadAll()
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		for _, field := range row {
			seen[field] = true
		}
	}
	for _, missing := range []string{"null", "NULL", "None", "NaN", "nan", "NA", "N/A"} {
		assert.NotContains(t, seen, missing)
	}
	for _, name := range []string{"null-server", "NaN-server", "NaN-server:workers=2"} {
		assert.Contains(t, seen, name)
	}
}
