package record_test

import (
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
)

// TestABlockIsWrittenWholeOrNotAtAll: the disk takes the first trial of the second
// block, and not all of the second trial.
func TestABlockIsWrittenWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	j, err := record.OpenJournal(dir)
	require.NoError(t, err)
	block := func(n int) []*record.Trial {
		return []*record.Trial{{Schema: 2, Block: n, Arm: "a"}, {Schema: 2, Block: n, Arm: "b", Failure: strings.Repeat("x", 20_000)}}
	}
	require.NoError(t, j.Append(block(0)))

	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var was syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 30_000, Max: was.Max}))
	err = j.Append(block(1))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was))
	require.ErrorIs(t, err, syscall.EFBIG)

	trials, err := record.ReadTrials(dir)
	require.NoError(t, err)
	assert.Len(t, trials, 2)
	require.NoError(t, j.Append(block(2)))
	require.NoError(t, j.Close())
	trials, err = record.ReadTrials(dir)
	require.NoError(t, err)
	require.Len(t, trials, 4)
	assert.Equal(t, 2, trials[2].Block)
}
