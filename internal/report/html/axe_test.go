package html_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// axe is axe-core, which finds what keeps people from using a page, as its lock file has it.
func axe(t *testing.T) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("axe-core comes with npm, which is not installed")
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", "axe", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	cmd := exec.CommandContext(t.Context(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	script, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	require.NoError(t, err)
	return string(script)
}

// TestAccessible has axe-core look at the page, light and dark, closed and open, at a
// phone's width and a screen's.
func TestAccessible(t *testing.T) {
	script := axe(t)
	ctx, _ := browser(t, 6, "")
	evaluate[bool](ctx, t, script+"; typeof axe === 'object'")
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{390, 1280} {
			for _, open := range []bool{false, true} {
				call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1})
				call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Media: "screen", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				found := evaluate[string](ctx, t, `(async () => {
					for (const d of document.querySelectorAll('details')) d.open = `+map[bool]string{true: "true", false: "false"}[open]+`;
					const r = await axe.run(document, {resultTypes: ['violations']});
					return JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, where: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))})));
				})()`)
				var violations []struct {
					ID, Help string
					Where    []string
				}
				require.NoError(t, json.Unmarshal([]byte(found), &violations))
				for _, v := range violations {
					assert.Fail(t, v.ID+": "+v.Help, "%s, %d px, open %v: %q", scheme, width, open, v.Where)
				}
			}
		}
	}
}
