package yamlfile_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

// TestMessages are one line for each mistake, and safe to print.
func TestMessages(t *testing.T) {
	const good = "schema: 1\nname: p\ndescription: d\narms: [a]\nconnections: [8]\nwindow: 1s\nwarmup: 1s\nblocks: {min: 1, max: 1}\n"
	decode := func(text string) error {
		_, err := yamlfile.Decode("x.yaml", []byte(text), "profile", new(any))
		return err
	}
	require.NoError(t, decode(good))
	require.NoError(t, decode("\ufeff"+good), "a byte-order mark")
	require.EqualError(t, decode(good+"rates: [0]\n"), "x.yaml:9: rates.0: 0: must be above 0")
	require.ErrorContains(t, decode(good+"\"a\\eb\": 1\n"), `x.yaml:9: "a\x1bb": unknown key`)
	require.ErrorContains(t, decode(good+"experiments: [{arms: [a]}]\n"), "x.yaml:9: experiments.0: needs one of connections, rates, idle, shares and slo")
}
