package yamlfile_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/yamlfile"
)

func TestDidYouMean(t *testing.T) {
	known := []string{"workers", "threads", "node-http", "node-express", "asyncio"}
	for word, want := range map[string]string{
		"wrokers": "workers", "workes": "workers", "node-htpp": "node-http", "nod-http": "node-http", "asynico": "asyncio",
		"node-http": "", "ruby": "", "": "", "x": "",
	} {
		if want != "" {
			want = `; did you mean "` + want + `"?`
		}
		assert.Equal(t, want, yamlfile.DidYouMean(word, known), word)
	}
}
