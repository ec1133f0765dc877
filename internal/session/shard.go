package session

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hellobench/hellobench/internal/record"
)

// scheduler tells a task of an array which one it is, and of how many.
type scheduler struct {
	name         string
	index, count string // environment variables
	first        string // one that holds the number of the first task; empty: it is from
	from         int
}

// schedulers are those whose tasks --shard auto knows. Kubernetes sets no count of its
// own: the manifest has to.
var schedulers = []scheduler{
	{name: "a Slurm array", index: "SLURM_ARRAY_TASK_ID", count: "SLURM_ARRAY_TASK_COUNT", first: "SLURM_ARRAY_TASK_MIN"},
	{name: "a Kubernetes Indexed Job", index: "JOB_COMPLETION_INDEX", count: "JOB_COMPLETIONS"},
	{name: "a CI matrix", index: "CI_NODE_INDEX", count: "CI_NODE_TOTAL", from: 1},
}

// parseShard reads "2/3", counted from 1, or takes auto from the scheduler's environment;
// an empty text is no shard.
func parseShard(text string, env func(string) string) (*record.Shard, error) {
	if text == "" {
		return nil, nil
	}
	if text == "auto" {
		for _, s := range schedulers {
			if env(s.index) != "" {
				return s.shard(env)
			}
		}
		return nil, errors.New("--shard auto: this is no task of a Slurm array (SLURM_ARRAY_TASK_ID), of a Kubernetes Indexed Job (JOB_COMPLETION_INDEX) or of a CI matrix (CI_NODE_INDEX); give i/n")
	}
	index, of, _ := strings.Cut(text, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	if errors.Join(err1, err2) != nil || i < 1 || i > n {
		return nil, fmt.Errorf("--shard %q: want i/n with i from 1 to n, or auto", text)
	}
	return &record.Shard{Index: i - 1, Of: n}, nil
}

func (s *scheduler) shard(env func(string) string) (*record.Shard, error) {
	first := s.from
	if s.first != "" {
		var err error
		if first, err = strconv.Atoi(env(s.first)); err != nil {
			return nil, fmt.Errorf("--shard auto: %s: %s=%q is no number", s.name, s.first, env(s.first))
		}
	}
	i, err := strconv.Atoi(env(s.index))
	n, errCount := strconv.Atoi(env(s.count))
	switch i -= first; {
	case errors.Join(err, errCount) != nil:
		return nil, fmt.Errorf("--shard auto: %s: want numbers in %s=%q and %s=%q", s.name, s.index, env(s.index), s.count, env(s.count))
	case i < 0 || i >= n:
		return nil, fmt.Errorf("--shard auto: %s: %s=%s is none of %s=%s tasks without gaps that begin with %d", s.name, s.index, env(s.index), s.count, env(s.count), first)
	}
	return &record.Shard{Index: i, Of: n}, nil
}
