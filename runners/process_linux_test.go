package runners

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStopTakesTheWholeFamily(t *testing.T) {
	p, err := start(t, "family", Options{})
	require.NoError(t, err)
	family := descendants(p.cmd.Process.Pid)
	require.Len(t, family, 2)
	require.NoError(t, p.Stop())
	for _, s := range family {
		assert.True(t, ended(s.pid), "process %d still runs", s.pid)
	}
}

func ended(pid int) bool {
	for range 200 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}
