package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/docs/formats"
	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
)

const formatsFolder = "../../docs/formats"

// tinyProfile has an arm that works, one whose start fails and one that cannot be installed.
const tinyProfile = `schema: 1
name: tiny
description: As small as it gets.
arms: [node-http, "node-http:route=/nope", flask-dev]
connections: [1, 4]
window: 150ms
warmup: 100ms
blocks: {min: 1, max: 1}
`

// TestFormatsOfRun makes a real run and holds its files against their schemas.
func TestFormatsOfRun(t *testing.T) {
	folder := tinyRun(t)
	latest := filepath.Join(folder, "results", "latest")

	data, err := os.ReadFile(filepath.Join(latest, "run.json"))
	require.NoError(t, err)
	run := valid(t, "run", data).(map[string]any)
	assert.Equal(t, json.Number("18446744073709551615"), run["seed"])
	assert.Contains(t, run, "missing")
	refusesMutants(t, "run", run)
	refuses(t, "run", run, "the end of a complete run", func() { delete(run, "end") })
	refuses(t, "run", run, "a state", func() { run["state"] = "done" })
	refuses(t, "run", run, "the version", func() { run["schema"] = json.Number("3") })

	data, err = os.ReadFile(filepath.Join(latest, "trials.jsonl"))
	require.NoError(t, err)
	failed, measured := 0, 0
	for line := range bytes.Lines(data) {
		trial := valid(t, "trial", line).(map[string]any)
		refusesMutants(t, "trial", trial)
		if len(trial["windows"].([]any)) == 0 {
			failed++
			refuses(t, "trial", trial, "no windows and no reason", func() { delete(trial, "failure") })
			continue
		}
		measured++
		w := trial["windows"].([]any)[0].(map[string]any)
		m := w["load"].(map[string]any)
		refuses(t, "trial", trial, "an open loop without slip", func() { m["offered_rps"] = json.Number("5") })
		refuses(t, "trial", trial, "a fraction of a request", func() { m["requests"] = json.Number("1.5") })
		latency := m["latency"].(map[string]any)
		if strings.HasPrefix(trial["arm"].(string), "null") {
			continue // whose many requests show every percentile
		}
		refuses(t, "trial", trial, "a percentile of too few samples", func() { latency["count"], latency["p99"] = json.Number("500"), json.Number("1") })
		refuses(t, "trial", trial, "a negative duration", func() { m["duration_ns"] = json.Number("-1") })
	}
	assert.Equal(t, 1, failed)
	assert.Equal(t, 3, measured, "with its replicate and the null server")

	data, err = os.ReadFile(filepath.Join(latest, "verdicts.json"))
	require.NoError(t, err)
	verdicts := valid(t, "verdicts", data).([]any)
	require.NotEmpty(t, verdicts)
	refusesMutants(t, "verdicts", verdicts)

	t.Run("jq", func(t *testing.T) { runJQ(t, folder) })
}

// tinyRun makes a run on a machine that has Node.js only and returns the folder that holds results.
func tinyRun(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the wire engine needs Linux")
	}
	node, err := exec.LookPath("node")
	require.NoError(t, err)
	folder := t.TempDir()
	bin := filepath.Join(folder, "bin")
	require.NoError(t, os.Mkdir(bin, 0o755))
	require.NoError(t, os.Symlink(node, filepath.Join(bin, "node")))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "tiny.yaml"), []byte(tinyProfile), 0o644))
	cmd := exec.CommandContext(t.Context(), binary, "run", "--profile", "tiny.yaml", "--engine", "wire", "--seed", "18446744073709551615")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "PATH="+bin, "HELLOBENCH_CACHE="+filepath.Join(folder, "cache"))
	out, err := cmd.CombinedOutput()
	assert.Equal(t, 3, cmd.ProcessState.ExitCode(), "an arm that never worked: %s", out)
	require.Error(t, err)
	return folder
}

// TestFormatsOfVerdicts holds what verdicts prints, all of them and some, against the schema of verdicts.json.
func TestFormatsOfVerdicts(t *testing.T) {
	for _, ids := range [][]string{nil, {"node-faster-under-load", "node-faster"}} {
		out, _, code := hellobench(t, slices.Concat([]string{"verdicts", "../../results/reference", "--format", "json"}, ids)...)
		assert.Zero(t, code)
		verdicts := valid(t, "verdicts", []byte(out)).([]any)
		require.NotEmpty(t, verdicts)
		for i, id := range ids {
			assert.Equal(t, id, verdicts[i].(map[string]any)["id"])
		}
	}
}

// runJQ runs the examples of the README: each prints something for the tiny run.
func runJQ(t *testing.T, folder string) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("jq is not installed")
	}
	readme, err := os.ReadFile(filepath.Join(formatsFolder, "README.md"))
	require.NoError(t, err)
	examples := strings.Split(string(readme), "```sh\n")[1:]
	require.Len(t, examples, 3)
	for i, want := range []string{"node-http\t4\t", "node-http:route=/nope: verify", "node-http c=4\t"} {
		script, _, _ := strings.Cut(examples[i], "```")
		cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s%s", script, out)
		assert.Contains(t, string(out), want)
	}
}

// TestFormatsOfLoad holds what load prints, in loops of both kinds, with both
// engines and for a server that answers wrongly, against its schema.
func TestFormatsOfLoad(t *testing.T) {
	url := nullServer(t)
	engines := []string{"vegeta"}
	if runtime.GOOS == "linux" {
		engines = append(engines, "wire")
	}
	seen := map[string]bool{}
	for _, engine := range engines {
		for name, args := range map[string][]string{
			"closed": {"--connections", "2"},
			"open":   {"--rate", "400"},
			"wrong":  {"--connections", "1", "--expect-body", "something else"},
		} {
			t.Run(engine+" "+name, func(t *testing.T) {
				args := slices.Concat([]string{"load", "--engine", engine, "--duration", "100ms", "--format", "json"}, args, []string{url})
				out, err := exec.CommandContext(t.Context(), binary, args...).Output()
				assert.Equal(t, name == "wrong", err != nil, "fails where no response is correct")
				result := valid(t, "load", out).(map[string]any)
				fields(result, "", seen)
				refusesMutants(t, "load", result)
				if name == "open" {
					refuses(t, "load", result, "Little's law of an open loop", func() { result["littles_law_ratio"] = json.Number("1") })
				} else {
					refuses(t, "load", result, "slip of a closed loop", func() { result["slip_ns"] = result["latency_ns"] })
				}
			})
		}
	}
	assert.Equal(t, documented(t, "load"), seen, "documented and printed")
}

// TestFormatsOfCalibrate holds what calibrate prints against its schema; a
// limit of open files keeps it from the large levels.
func TestFormatsOfCalibrate(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the wire engine needs Linux")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -n 500 && exec "$0" calibrate --engine wire --duration 20ms --format json`, binary)
	out, err := cmd.Output()
	require.NoError(t, err)
	levels := valid(t, "calibrate", out).([]any)
	seen := map[string]bool{}
	fields(levels, "", seen)
	assert.Equal(t, documented(t, "calibrate"), seen, "documented and printed")
	refusesMutants(t, "calibrate", levels)
	last := levels[len(levels)-2].(map[string]any) // of the closed loops
	refuses(t, "calibrate", levels, "a figure of what was not tried", func() { last["throughput_rps"] = json.Number("1") })
}

// TestVerdictFormat knows every value of a verdict and no other.
func TestVerdictFormat(t *testing.T) {
	verdict := claims.Verdict{ID: "x", Kind: claims.Measured, Reason: "why", Paraphrase: "what", Conditions: []claims.Condition{{
		Metric: "memory", A: "a", B: "b", Level: record.Level{Rate: 2.5e7}.String(), Group: "g", Verdict: claims.Supported,
	}}}
	for _, v := range []claims.Value{claims.Supported, claims.Refuted, claims.Depends, claims.Inconclusive, claims.NotTestable} {
		verdict.Verdict = v
		data, err := json.Marshal([]claims.Verdict{verdict})
		require.NoError(t, err)
		all := valid(t, "verdicts", data).([]any)
		first := all[0].(map[string]any)
		refuses(t, "verdicts", all, "another value", func() { first["verdict"] = "perhaps" })
		cell := first["cells"].([]any)[0].(map[string]any)
		refuses(t, "verdicts", all, "a condition that depends", func() { cell["verdict"] = "depends" })
	}
	ledger := definition(t, "claims").at("properties", "claims", "items", "properties", "comparisons", "items", "properties", "metric", "enum")
	assert.Equal(t, ledger, definition(t, "verdicts").at("$defs", "cell", "properties", "metric", "enum"), "the ledger's metrics")
}

// nullServer starts the null server and returns its URL.
func nullServer(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "null", "--addr", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() }) // the context has ended it
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "null server at ")
	require.True(t, ok, "%q", line)
	return url
}

// valid decodes JSON that the schema has to accept.
func valid(t *testing.T, schema string, data []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err, "%s", data)
	require.NoError(t, validate(t, schema, v), "%s", data)
	return v
}

func validate(t *testing.T, schema string, v any) error {
	t.Helper()
	s, err := formats.Schema(schema)
	require.NoError(t, err)
	return s.Validate(v)
}

// refuses checks that the schema does not accept v once spoil has changed one
// of its objects, and undoes the change.
func refuses(t *testing.T, schema string, v any, what string, spoil func()) {
	t.Helper()
	require.NoError(t, validate(t, schema, v))
	restore := snapshot(v)
	spoil()
	assert.Error(t, validate(t, schema, v), "%s: %s", schema, what)
	restore()
	require.NoError(t, validate(t, schema, v), "restored")
}

// snapshot remembers the entries of all objects in v.
func snapshot(v any) (restore func()) {
	var undo []func()
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			was := maps.Clone(v)
			undo = append(undo, func() { clear(v); maps.Copy(v, was) })
			for _, child := range was {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(v)
	return func() {
		for _, u := range undo {
			u()
		}
	}
}

// refusesMutants changes every value in v to one of another kind, and gives
// every object a field that it does not have: no such change may pass.
func refusesMutants(t *testing.T, schema string, v any) {
	t.Helper()
	tried := 0
	var walk func(v any, path string)
	try := func(path string) {
		tried++
		assert.Error(t, validate(t, schema, v), "%s: changed %s", schema, path)
	}
	walk = func(v any, path string) {
		switch v := v.(type) {
		case map[string]any:
			if !strings.HasSuffix(path, "/cpu_by_thread_ns") { // threads have any names
				v["unknown"] = json.Number("1")
				try(path + "/unknown")
				delete(v, "unknown")
			}
			for _, key := range slices.Collect(maps.Keys(v)) {
				old := v[key]
				v[key] = anotherKind(old)
				try(path + "/" + key)
				v[key] = old
				walk(old, path+"/"+key)
			}
		case []any:
			for i, old := range v {
				v[i] = anotherKind(old)
				try(fmt.Sprintf("%s/%d", path, i))
				v[i] = old
				walk(old, fmt.Sprintf("%s/%d", path, i))
			}
		}
	}
	walk(v, "")
	assert.Greater(t, tried, 10)
	assert.NoError(t, validate(t, schema, v), "restored")
}

func anotherKind(v any) any {
	switch v.(type) {
	case map[string]any, []any:
		return json.Number("7")
	default:
		return map[string]any{}
	}
}

// fields collects the paths of all fields in v.
func fields(v any, path string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			into[path+"/"+key] = true
			fields(child, path+"/"+key, into)
		}
	case []any:
		for _, child := range v {
			fields(child, path, into)
		}
	}
}

// schemaFile is a schema as it stands in its file.
type schemaFile struct{ root map[string]any }

func definition(t *testing.T, schema string) schemaFile {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(formatsFolder, schema+".schema.json"))
	require.NoError(t, err)
	var f schemaFile
	require.NoError(t, json.Unmarshal(data, &f.root))
	return f
}

// at is the value behind the keys, nil if there is none.
func (f schemaFile) at(keys ...string) any {
	var v any = f.root
	for _, key := range keys {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// follow resolves a reference, and an alternative with null to what is not null.
func (f schemaFile) follow(v any) map[string]any {
	node, _ := v.(map[string]any)
	if either, ok := node["oneOf"].([]any); ok {
		return f.follow(either[0])
	}
	if ref, ok := node["$ref"].(string); ok {
		return f.follow(f.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...))
	}
	return node
}

// documented are the paths of all fields that a schema knows.
func documented(t *testing.T, schema string) map[string]bool {
	t.Helper()
	f := definition(t, schema)
	paths := map[string]bool{}
	var walk func(v any, path string)
	walk = func(v any, path string) {
		node := f.follow(v)
		if items, ok := node["items"]; ok {
			walk(items, path)
		}
		properties, _ := node["properties"].(map[string]any)
		for key, child := range properties {
			paths[path+"/"+key] = true
			walk(child, path+"/"+key)
		}
	}
	walk(f.root, "")
	return paths
}

// TestFormatsMatchTypes: what a Go type writes and what its schema says are
// the same fields, of the same kinds, and the same ones may be absent.
func TestFormatsMatchTypes(t *testing.T) {
	for schema, typ := range map[string]reflect.Type{
		"run":      reflect.TypeFor[record.Run](),
		"trial":    reflect.TypeFor[record.Trial](),
		"verdicts": reflect.TypeFor[[]claims.Verdict](),
	} {
		f := definition(t, schema)
		f.match(t, schema, f.root, typ)
	}
	for _, schema := range []string{"run", "trial"} {
		versions, _ := definition(t, schema).root["properties"].(map[string]any)["schema"].(map[string]any)["enum"].([]any)
		require.NotEmpty(t, versions)
		assert.InDelta(t, record.SchemaVersion, versions[len(versions)-1], 0)
	}
	// What stands in several files is the same in all of them.
	trial := definition(t, "trial")
	for _, def := range [][2]string{{"run", "level"}, {"run", "time"}, {"load", "errors"}, {"calibrate", "errors"}, {"load", "percentile"}} {
		assert.Equal(t, trial.at("$defs", def[1]), definition(t, def[0]).at("$defs", def[1]), def)
	}
}

// match compares a node with the type whose JSON it describes.
func (f schemaFile) match(t *testing.T, path string, node map[string]any, typ reflect.Type) {
	t.Helper()
	node = f.follow(node)
	if ways, _ := node["anyOf"].([]any); node["type"] == nil && len(ways) > 0 { // the last is the one that is written now
		node = f.follow(ways[len(ways)-1].(map[string]any))
	}
	nullable, want := false, typ
	if typ.Kind() == reflect.Pointer {
		want = typ.Elem()
		nullable = want.Kind() != reflect.Struct // the objects are always there, where they are not left out
	}
	assert.Contains(t, kinds(node), kindOf(want), path)
	if nullable {
		assert.Contains(t, kinds(node), "null", path)
	}
	switch {
	case kindOf(want) == "array":
		items, _ := node["items"].(map[string]any)
		f.match(t, path+"[]", items, want.Elem())
	case want.Kind() == reflect.Map:
		values, _ := node["additionalProperties"].(map[string]any)
		f.match(t, path+"{}", values, want.Elem())
	case kindOf(want) == "object":
		f.matchFields(t, path, node, want)
	}
}

func (f schemaFile) matchFields(t *testing.T, path string, node map[string]any, typ reflect.Type) {
	t.Helper()
	assert.Equal(t, false, node["additionalProperties"], path)
	properties, _ := node["properties"].(map[string]any)
	var names, required []string
	for _, field := range reflect.VisibleFields(typ) {
		if field.Anonymous || !field.IsExported() { // the fields of the former are listed too
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		require.NotEmpty(t, name, "%s: %s has no name in JSON", path, field.Name)
		names = append(names, name)
		if options == "" {
			required = append(required, name)
		}
		if property, ok := properties[name].(map[string]any); assert.True(t, ok, "%s/%s is not in the schema", path, name) {
			f.match(t, path+"/"+name, property, field.Type)
		}
	}
	assert.ElementsMatch(t, names, slices.Collect(maps.Keys(properties)), path)
	assert.ElementsMatch(t, required, node["required"], path)
}

// kinds are the JSON types that a node allows.
func kinds(node map[string]any) []string {
	values, _ := node["enum"].([]any)
	if c, ok := node["const"]; ok {
		values = append(values, c)
	}
	var all []string
	for _, v := range values {
		switch v.(type) {
		case string:
			all = append(all, "string")
		case float64:
			all = append(all, "integer")
		}
	}
	switch typ := node["type"].(type) {
	case string:
		all = append(all, typ)
	case []any:
		for _, one := range typ {
			all = append(all, fmt.Sprint(one))
		}
	}
	return all
}

// kindOf is the JSON type of what encoding/json writes for a Go type.
func kindOf(typ reflect.Type) string {
	if typ == reflect.TypeFor[time.Time]() {
		return "string"
	}
	switch typ.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Slice:
		return "array"
	case reflect.Struct, reflect.Map:
		return "object"
	default:
		return typ.String()
	}
}
