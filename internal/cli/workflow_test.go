package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// step is one of a workflow or of an action.
type step struct {
	Name, ID, If, Uses, Run, Shell string
	WorkingDirectory               string `yaml:"working-directory"`
	Env, With                      map[string]any
}

type stepsFile struct {
	Env  map[string]any
	Jobs map[string]struct {
		Env   map[string]any
		Steps []step
	}
	Inputs  map[string]struct{ Default string }
	Outputs map[string]struct{ Value string }
	Runs    struct{ Steps []step }
}

func readSteps(t *testing.T, name string) (f stepsFile) {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &f), name)
	return f
}

// actions runs the steps of a job as GitHub does: in order, each in a shell of
// its own, until one fails, and from then on those that always run. Checking out
// is cloning, uploading is copying, and setting up a language is nothing.
type actions struct {
	t         *testing.T
	clone     string // what is checked out
	workspace string
	store     string // GitHub's side: artifacts and comments, served by a stub of gh
	context   map[string]string
	env       map[string]string
	before    map[string]func() // what a test does before the step of a name
	skip      map[string]bool
	failed    bool
	code      int // of the step that failed
	uploads   []string
	ran       []string
	said      bytes.Buffer
}

// artifact is as GitHub's API lists it.
type artifact struct {
	Name        string         `json:"name"`
	Expired     bool           `json:"expired"`
	Created     time.Time      `json:"created_at"`
	WorkflowRun map[string]any `json:"workflow_run"`
}

func newActions(t *testing.T, clone, workspace, store string, run int) *actions {
	t.Helper()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("the stub of gh needs jq")
	}
	temp := t.TempDir()
	stub := filepath.Join(temp, "bin")
	require.NoError(t, os.MkdirAll(stub, 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(store, "files"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(stub, "gh"), []byte(ghStub), 0o755))
	for _, name := range []string{"artifacts.json", "comments.json"} {
		if _, err := os.Stat(filepath.Join(store, name)); err != nil {
			require.NoError(t, os.WriteFile(filepath.Join(store, name), []byte("[]"), 0o644))
		}
	}
	a := &actions{
		t: t, clone: clone, workspace: workspace, store: store, before: map[string]func(){}, skip: map[string]bool{},
		context: map[string]string{
			"github.run_id": fmt.Sprint(run), "github.run_attempt": "1", "github.ref_name": "main", "github.token": "secret", "github.repository": "o/r",
			"github.event.pull_request.number": "7", "github.event.pull_request.head.repo.full_name": "o/r", "github.event.pull_request.base.sha": "HEAD", "runner.os": "Linux",
		},
		env: map[string]string{
			"PATH": stub + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME": os.Getenv("HOME"), "GH_STORE": store,
			"GITHUB_REPOSITORY": "o/r", "GITHUB_JOB": "job", "GITHUB_RUN_ID": fmt.Sprint(run), "RUNNER_TEMP": temp, "GITHUB_STEP_SUMMARY": filepath.Join(temp, "summary.md"),
		},
	}
	for _, name := range []string{"HELLOBENCH_CACHE", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GOFLAGS"} {
		if v := os.Getenv(name); v != "" {
			a.env[name] = v
		}
	}
	return a
}

// ghStub serves what the workflows call of gh from the store, records the calls,
// and knows nothing else.
const ghStub = `#!/bin/sh
echo "$*" >>"$GH_STORE/calls"
[ "$GH_TOKEN" = secret ] || { echo "gh: no token" >&2; exit 4; }
case "$1 $2 $3 $4" in
"api --paginate repos/o/r/actions/artifacts?name=benchmark-history&per_page=100 --jq")
	jq '{artifacts: map(select(.name == "benchmark-history"))}' "$GH_STORE/artifacts.json" | jq -r "$5" ;;
"run download $3 --name")
	[ "$6" = --dir ] && [ -d "$GH_STORE/files/$3/$5" ] || { echo "no valid artifacts found to download" >&2; exit 1; }
	mkdir -p "$7" && cp -R "$GH_STORE/files/$3/$5/." "$7" ;;
"api --paginate repos/o/r/issues/7/comments?per_page=100 --jq")
	jq -r "$5" "$GH_STORE/comments.json" ;;
"api --method POST repos/o/r/issues/7/comments")
	jq --rawfile body "${6#body=@}" '. + [{id: (length + 1), user: {type: "Bot"}, body: $body}]' "$GH_STORE/comments.json" >"$GH_STORE/new" && mv "$GH_STORE/new" "$GH_STORE/comments.json" ;;
"api --method PATCH repos/o/r/issues/comments/"*)
	jq --rawfile body "${6#body=@}" --argjson id "${4##*/}" 'map(if .id == $id then .body = $body else . end)' "$GH_STORE/comments.json" >"$GH_STORE/new" && mv "$GH_STORE/new" "$GH_STORE/comments.json" ;;
*) echo "gh: the stub does not know: $*" >&2; exit 9 ;;
esac
`

// job runs the steps of the one job of a workflow; env is instead of the workflow's own.
func (a *actions) job(name, job string, inputs, env map[string]string) {
	a.t.Helper()
	f := readSteps(a.t, filepath.Join(a.clone, ".github", "workflows", name))
	require.Contains(a.t, f.Jobs, job)
	a.inputs(inputs)
	jobEnv := map[string]string{}
	for _, level := range []map[string]any{f.Env, f.Jobs[job].Env} {
		for k, v := range level {
			jobEnv[k] = a.expand(fmt.Sprint(v))
		}
	}
	maps.Copy(jobEnv, env)
	for k, v := range jobEnv {
		a.env[k], a.context["env."+k] = v, v
	}
	a.steps(f.Jobs[job].Steps)
}

func (a *actions) inputs(inputs map[string]string) {
	for k := range a.context {
		if strings.HasPrefix(k, "inputs.") {
			delete(a.context, k)
		}
	}
	for k, v := range inputs {
		a.context["inputs."+k] = v
	}
}

func (a *actions) steps(steps []step) {
	for i := range steps {
		s := &steps[i]
		name := s.Name
		if name == "" {
			name = s.Uses + s.Run
		}
		cond := s.If
		if cond == "" {
			cond = "success()"
		}
		if !strings.Contains(cond, "always()") && a.failed || a.evaluate(cond) == "false" || a.evaluate(cond) == "" || a.skip[name] {
			continue
		}
		a.ran = append(a.ran, name)
		if do := a.before[name]; do != nil {
			do()
		}
		switch {
		case s.Uses != "":
			a.use(s)
		default:
			a.shell(s)
		}
	}
}

// shell runs the script of a step.
func (a *actions) shell(s *step) {
	t := a.t
	output := filepath.Join(t.TempDir(), "output")
	cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", a.expand(s.Run))
	cmd.Dir = filepath.Join(a.workspace, a.expand(s.WorkingDirectory))
	if filepath.IsAbs(s.WorkingDirectory) || strings.Contains(s.WorkingDirectory, "action_path") {
		cmd.Dir = a.expand(s.WorkingDirectory)
	}
	env := maps.Clone(a.env)
	env["GITHUB_OUTPUT"] = output
	for k, v := range s.Env {
		env[k] = a.expand(fmt.Sprint(v))
	}
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, err := cmd.CombinedOutput()
	fmt.Fprintf(&a.said, "--- %s\n%s\n", s.Name, out)
	text, _ := os.ReadFile(output)
	for line := range strings.Lines(string(text)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		a.context["steps."+s.ID+".outputs."+k] = v
	}
	if err != nil && !a.failed {
		a.failed, a.code = true, cmd.ProcessState.ExitCode()
	}
}

// use does what an action of GitHub's own does, as far as it matters, or runs ours.
func (a *actions) use(s *step) {
	with := map[string]string{}
	for k, v := range s.With {
		with[k] = a.expand(fmt.Sprint(v))
	}
	name, _, _ := strings.Cut(s.Uses, "@")
	switch name {
	case "actions/checkout":
		sh(a.t, a.workspace, "git clone -q --shared "+a.clone+" ./"+with["path"])
	case "actions/setup-go", "actions/setup-node", "actions/setup-python":
	case "actions/upload-artifact":
		a.upload(with)
	case "hellobench/hellobench/.github/actions/hellobench":
		a.ours(s, with)
	default:
		a.t.Fatalf("unknown action %s", s.Uses)
	}
}

// ours runs the steps of the composite action.
func (a *actions) ours(s *step, with map[string]string) {
	dir := filepath.Join(a.clone, ".github", "actions", "hellobench")
	f := readSteps(a.t, filepath.Join(dir, "action.yml"))
	inputs := map[string]string{}
	for k, in := range f.Inputs {
		inputs[k] = in.Default
	}
	for k, v := range with {
		require.Contains(a.t, inputs, k, "an input of the action")
		inputs[k] = v
	}
	outer := maps.Clone(a.context)
	for k := range a.context {
		if strings.HasPrefix(k, "steps.") {
			delete(a.context, k)
		}
	}
	a.context["github.action_path"] = dir
	a.inputs(inputs)
	a.steps(f.Runs.Steps)
	for k, out := range f.Outputs {
		outer["steps."+s.ID+".outputs."+k] = a.expand(out.Value)
	}
	a.context = outer
}

func (a *actions) upload(with map[string]string) {
	t := a.t
	name, run := with["name"], a.context["github.run_id"]
	dir := filepath.Join(a.store, "files", run, name)
	found := false
	if with["overwrite"] != "true" {
		require.NoDirExists(t, dir, "two artifacts of one name in one run")
	}
	for path := range strings.FieldsSeq(with["path"]) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(a.workspace, path)
		}
		if _, err := os.Stat(path); err != nil {
			continue
		}
		found = true
		to := dir // one folder is the root of its artifact
		if strings.Count(with["path"], "\n") > 0 {
			to = filepath.Join(dir, filepath.Base(path))
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
		sh(t, a.workspace, "cp -R "+path+" "+to)
	}
	if !found {
		assert.Equal(t, "ignore", with["if-no-files-found"], "nothing to upload: %s", with["path"])
		return
	}
	a.uploads = append(a.uploads, name)
	var list []artifact
	file := filepath.Join(a.store, "artifacts.json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &list))
	var id int
	_, err = fmt.Sscan(run, &id)
	require.NoError(t, err)
	list = append(list, artifact{Name: name, Created: time.Unix(int64(id)*1000, 0).UTC(), WorkflowRun: map[string]any{"id": id, "head_branch": "main", "repository_id": 1, "head_repository_id": 1}})
	text, err = json.Marshal(list)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o644))
}

var expression = regexp.MustCompile(`\$\{\{(.*?)\}\}`)

func (a *actions) expand(text string) string {
	return expression.ReplaceAllStringFunc(text, func(e string) string { return a.evaluate(strings.TrimSpace(e[3 : len(e)-2])) })
}

// evaluate knows the few expressions that the workflows use, and fails the test on any other.
func (a *actions) evaluate(e string) string {
	e = strings.TrimSpace(e)
	truth := func(b bool) string { return fmt.Sprint(b) }
	for _, op := range []string{"||", "&&", "==", "!="} {
		left, right, found := strings.Cut(e, op)
		if !found {
			continue
		}
		l := a.evaluate(left)
		yes := l != "" && l != "false"
		switch op {
		case "||":
			if yes {
				return l
			}
			return a.evaluate(right)
		case "&&":
			if !yes {
				return l
			}
			return a.evaluate(right)
		case "==":
			return truth(l == a.evaluate(right))
		default:
			return truth(l != a.evaluate(right))
		}
	}
	if quoted, ok := strings.CutPrefix(e, "'"); ok {
		return strings.TrimSuffix(quoted, "'")
	}
	switch e {
	case "always()":
		return "true"
	case "success()":
		return truth(!a.failed)
	}
	v, ok := a.context[e]
	known := ok || strings.HasPrefix(e, "steps.") || strings.HasPrefix(e, "inputs.") // nothing where a step did not run, or a schedule has no input
	require.True(a.t, known, "unknown expression %q; there are %v", e, slices.Sorted(maps.Keys(a.context)))
	return v
}

func (a *actions) summary() string {
	text, _ := os.ReadFile(a.env["GITHUB_STEP_SUMMARY"])
	return string(text)
}
