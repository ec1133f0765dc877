package runners

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/yamlfile/yamltest"
)

// whole has every key of the schema.
const whole = `{"schema": 1, "name": "x", "title": "X", "runtime": "other", "article": "a", "include": ["../y"],
"needs": [{"executable": "sh", "oldest": "1.2", "version": ["--version"], "install": "apt install sh"}],
"prepare": {"lock": ["lock.txt"], "commands": [["true", "{env}"]]}, "command": ["run", "{host}:{port}", "{workers}", "{threads}"],
"environment": {"KEY": "{src}"}, "ready": "/", "routes": {"/": {"status": 200, "body": "hello", "type": "text/plain"}},
"keep_alive": "both", "workers": {"default": 1, "max": 2}, "threads": {"default": 1, "max": 2}}`

// TestWrongManifests makes every mistake that the schema knows.
func TestWrongManifests(t *testing.T) {
	load := func(data []byte) error {
		_, err := Load(fstest.MapFS{"x/server.yaml": {Data: data}, "x/lock.txt": {}, "y/a": {}}, "x")
		return err
	}
	require.NoError(t, load([]byte(whole)))
	tried := 0
	yamltest.Each(t, "server", []byte(whole), func(w yamltest.Wrong) {
		tried++
		err := load(w.Data)
		if w.Surely {
			require.Error(t, err, w.What)
		}
		if err != nil {
			assert.LessOrEqual(t, yamltest.Clean(t, w.What, err), 2, "%s: %v", w.What, err)
		}
	})
	assert.Greater(t, tried, 300)
}
