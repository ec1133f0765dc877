package show

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestGlossary(t *testing.T) {
	words := Glossary()
	assert.Greater(t, len(words), 25)
	for _, w := range words {
		assert.NotEmpty(t, w.Meaning, w.Term)
	}
	var e Explainer
	parts := e.Parts("In each block all arms of a closed loop; the next block explains no arm again, and a roundabout is no round.")
	var marked []string
	text := ""
	for _, p := range parts {
		if text += p.Text; p.Meaning != "" {
			marked = append(marked, p.Text)
		}
	}
	assert.Equal(t, []string{"block", "arms", "closed loop"}, marked)
	assert.Equal(t, "In each block all arms of a closed loop; the next block explains no arm again, and a roundabout is no round.", text)
	assert.Equal(t, []Part{{"A block", ""}}, e.Parts("A block"))
}
