package explain

import "regexp"

// Rule gives frames a layer.
type Rule struct {
	frame *regexp.Regexp
	layer string
}

// The layers.
const (
	Kernel      = "kernel, as sampled"
	Interpreter = "interpreter"
	Compiled    = "code that the JIT compiled"
	Collector   = "garbage collection"
	Native      = "native code outside the language"
	HTTP        = "HTTP parsing and writing"
	Server      = "server"
	Framework   = "framework"
	Library     = "library of the runtime"
	Application = "application"
)

func rules(pairs ...string) (out []Rule) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, Rule{regexp.MustCompile(pairs[i]), pairs[i+1]})
	}
	return out
}

// rulesOf are the rules by runtime; the first that matches decides. A frame is
// "function (file:line)", or of perf "symbol (program or library)". Files under node: are
// Node's own, and what Python comes with is in a folder of its version or frozen into the
// interpreter. Names of Go's packages are known for servers of other runtimes.
var rulesOf = map[string][]Rule{
	"node": rules(
		`^\(garbage collector\)$`, Collector,
		`^\((program|no symbol)\)$`, Native,
		`\(node:(_http|internal/http)`, HTTP,
		`\(node:`, Library,
		`\bnode_modules/`, Framework,
		`^[^(]*$`, Library, // built into V8
		``, Application,
	),
	"cpython": python,
	"pypy": append(rules(
		kernelFrame, Kernel,
		`GC.*\(libpypy|\bgc_.*\(libpypy`, Collector,
		`\((lib)?pypy[^/:]*\)$`, Interpreter,
		`\((\[JIT\].*|anon|perf-\d+\.map|\[unknown\])\)$`, Compiled,
		libraryFrame, Native,
	), python...),
	"other": rules(
		kernelFrame, Kernel,
		`^runtime\.(gc|scan|mark|sweep|bgsweep|bgscavenge)`, Collector,
		`^net/http\.`, HTTP,
		`^(runtime|syscall|internal|net|bufio|io|sync|time)[./]`, Library,
		libraryFrame, Native,
	),
}

// What perf calls frames of the kernel, also of the one that a guest sees, and of shared libraries.
const (
	kernelFrame  = `\(\[(guest\.)?kernel[^)]*\)$`
	libraryFrame = `\([^/:)]*\.so[.0-9]*\)$`
)

var python = rules(
	`site-packages/(gunicorn/http|httptools|h11|werkzeug/serving|uvicorn/protocols/http)|/http/(server|client)\.py`, HTTP,
	`site-packages/(gunicorn|uvicorn|uvloop|gevent)`, Server,
	`site-packages/`, Framework,
	`\(<frozen|/(python|pypy)[0-9.]*/`, Library,
	`^[^(]*$`, Library, // built in
	``, Application,
)

var inKernel = regexp.MustCompile(kernelFrame)

// RulesOf are the rules of a runtime; none where it is not known.
func RulesOf(runtime string) []Rule { return rulesOf[runtime] }

func layer(frame string, rules []Rule) string {
	for _, r := range rules {
		if r.frame.MatchString(frame) {
			return r.layer
		}
	}
	return Application
}
