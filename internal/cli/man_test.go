package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestExamples reads the flags of every example, and that each command has one.
func TestExamples(t *testing.T) {
	a := &app{}
	for _, cmd := range a.root().Commands() {
		if cmd.Hidden || cmd.Name() == "help" || cmd.Name() == "completion" {
			continue
		}
		assert.NotEmpty(t, cmd.Example, cmd.Name())
		for line := range strings.Lines(cmd.Example) {
			words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(strings.ReplaceAll(line, "'", "")), "hellobench "))
			var out bytes.Buffer
			code := Run(t.Context(), append(words, "--help"), &out, &out)
			assert.Equal(t, exitDone, code, "%s: %s", line, &out)
		}
	}
}
