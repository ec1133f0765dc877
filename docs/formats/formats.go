// Package formats holds the JSON Schemas of every file that hellobench reads
// or writes. They are the definition: the code validates against them.
package formats

import (
	"bytes"
	"embed"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed *.schema.json
var files embed.FS

var (
	mu       sync.Mutex
	compiled = map[string]*jsonschema.Schema{}
)

// Schema returns the schema of the given name: "server", "profile", "claims",
// "run", "trial", "verdicts", "load", "calibrate".
func Schema(name string) (*jsonschema.Schema, error) {
	mu.Lock()
	defer mu.Unlock()
	if s := compiled[name]; s != nil {
		return s, nil
	}
	file := name + ".schema.json"
	data, err := files.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("schema %q: %w", name, err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("schema %q: %w", name, err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(file, doc); err != nil {
		return nil, fmt.Errorf("schema %q: %w", name, err)
	}
	s, err := c.Compile(file)
	if err != nil {
		return nil, fmt.Errorf("schema %q: %w", name, err)
	}
	compiled[name] = s
	return s, nil
}
