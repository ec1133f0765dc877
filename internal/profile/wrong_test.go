package profile_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/profile"
	"github.com/hellobench/hellobench/internal/yamlfile/yamltest"
)

// whole has every key of the schema.
const whole = `{"schema": 1, "name": "p", "description": "d", "quotable": true, "arms": ["a", "b"], "replicate": ["a"],
"connections": [4, 64], "rates": [100], "idle": [{"connections": 10, "rate": 100}], "shares": [0.5], "slo": true,
"experiments": [{"arms": ["c"], "connections": [4], "rates": [100], "idle": [{"connections": 10, "rate": 100}], "shares": [0.5], "slo": true,
  "name": "e", "window": "1s", "lead_in": "10ms", "warmup_max": "2s", "passes": 3, "cores": 1, "blocks": {"min": 1, "max": 2}}],
"window": "1s", "long_window": "2s", "lead_in": "10ms", "passes": 2, "budget": "5m", "warmup": "1s", "warmup_max": "2s", "timeout": "5s",
"blocks": {"min": 1, "max": 2}, "canary": true, "claims": ["a"]}`

// TestWrongProfiles makes every mistake that the schema knows.
func TestWrongProfiles(t *testing.T) {
	_, err := profile.Decode("p.yaml", []byte(whole))
	require.NoError(t, err)
	tried := 0
	yamltest.Each(t, "profile", []byte(whole), func(w yamltest.Wrong) {
		tried++
		_, err := profile.Decode("p.yaml", w.Data)
		if w.Surely {
			require.Error(t, err, w.What)
		}
		if err != nil {
			assert.LessOrEqual(t, yamltest.Clean(t, w.What, err), 2, "%s: %v", w.What, err)
		}
	})
	assert.Greater(t, tried, 300)
}

func FuzzProfile(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("schema: 1\nname: p\narms: &a [x]\nreplicate: *a\n<<: {window: 1s}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := profile.Decode("p.yaml", data); err != nil {
			yamltest.Clean(t, string(data), err)
		} else {
			p.Enter()
		}
	})
}

func FuzzArm(f *testing.F) {
	f.Add("node-cluster:workers=2:threads=3:route=/json?a=b:beside=/x:close")
	f.Add("a:instances=2")
	f.Fuzz(func(t *testing.T, text string) {
		if arm, err := profile.ParseArm(text); err == nil {
			again, err := profile.ParseArm(arm.Name)
			require.NoError(t, err)
			assert.Equal(t, arm, again)
		}
	})
}
