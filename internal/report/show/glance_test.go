package show_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/report/show"
	"github.com/hellobench/hellobench/internal/report/synthetic"
)

func TestGlance(t *testing.T) {
	d, err := synthetic.Document(synthetic.Run(6, false))
	require.NoError(t, err)
	g := show.Glance(d)
	require.NotEmpty(t, g.Rows)
	for _, row := range g.Rows {
		assert.Len(t, row, len(g.Head))
		assert.NotEqual(t, "null", row[0], "the null server is no competitor")
		assert.NotEqual(t, show.None, row[1], "%v", row)
	}
	assert.Contains(t, g.Head, "Cores for 10,000 requests/s")
	assert.Contains(t, g.Head[1], "Requests/s at ")
}
