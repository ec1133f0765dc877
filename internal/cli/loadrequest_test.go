package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryURLGetsEveryBody: also where their numbers have a common divisor.
func TestEveryURLGetsEveryBody(t *testing.T) {
	dir := t.TempDir()
	urls, lines := filepath.Join(dir, "urls"), filepath.Join(dir, "lines")
	for _, n := range [][2]int{{2, 2}, {2, 3}, {4, 6}} {
		text, bodies := "", ""
		for i := range n[0] {
			text += fmt.Sprintf("http://127.0.0.1/%d\n", i)
		}
		for i := range n[1] {
			bodies += fmt.Sprintf("%d\n", i)
		}
		require.NoError(t, os.WriteFile(urls, []byte(text), 0o600))
		require.NoError(t, os.WriteFile(lines, []byte(bodies), 0o600))
		o := requestOptions{urls: urls, bodyLines: lines}
		all, err := o.exchanges(func(flag string) bool { return flag == "body-lines" }, nil)
		require.NoError(t, err)
		pairs := map[string]bool{}
		for _, x := range all {
			pairs[x.URL+" "+string(x.Body)] = true
		}
		assert.Len(t, pairs, n[0]*n[1], "%v", n)
		assert.Len(t, all, n[0]*n[1])
	}
	require.NoError(t, os.WriteFile(urls, []byte("2 http://127.0.0.1/ more\n"), 0o600))
	o := requestOptions{urls: urls}
	_, err := o.exchanges(func(string) bool { return false }, nil)
	require.EqualError(t, err, "--urls "+urls+":1: want URL, or WEIGHT URL with a whole number from 1 to 1000; a blank in a URL is written %20")
}
