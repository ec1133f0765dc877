package session

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
)

func TestParseShard(t *testing.T) {
	for _, tc := range []struct {
		text string
		env  map[string]string
		want *record.Shard
		err  string
	}{
		{text: ""},
		{text: "2/3", want: &record.Shard{Index: 1, Of: 3}},
		{text: "0/3", err: "want i/n with i from 1 to n, or auto"},
		{text: "4/3", err: "want i/n"},
		{text: "auto", err: "is no task of a Slurm array"},
		{text: "auto", env: map[string]string{"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MIN": "5", "SLURM_ARRAY_TASK_COUNT": "4"}, want: &record.Shard{Index: 2, Of: 4}},
		{text: "auto", env: map[string]string{"SLURM_ARRAY_TASK_ID": "8", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_COUNT": "4"}, err: "SLURM_ARRAY_TASK_ID=8 is none of SLURM_ARRAY_TASK_COUNT=4 tasks without gaps that begin with 0"},
		{text: "auto", env: map[string]string{"SLURM_ARRAY_TASK_ID": "8", "SLURM_ARRAY_TASK_COUNT": "4"}, err: `SLURM_ARRAY_TASK_MIN="" is no number`},
		{text: "auto", env: map[string]string{"JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "2"}, want: &record.Shard{Of: 2}},
		{text: "auto", env: map[string]string{"JOB_COMPLETION_INDEX": "0"}, err: `want numbers in JOB_COMPLETION_INDEX="0" and JOB_COMPLETIONS=""`},
		{text: "auto", env: map[string]string{"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "2"}, want: &record.Shard{Index: 1, Of: 2}},
	} {
		s, err := parseShard(tc.text, func(name string) string { return tc.env[name] })
		if tc.err != "" {
			require.ErrorContains(t, err, tc.err, tc.text)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, tc.want, s)
	}
}
