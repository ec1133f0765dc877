package session

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/profile"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/yamlfile"
)

// Options say which run to prepare. All texts are those of the command line; an
// empty one is its default.
type Options struct {
	Profile, Engine      string
	Arms, Servers        []string
	Blocks               string
	Seed                 uint64
	Seeded               bool // Seed was asked for
	Explain              bool // profile each server after the measurement
	ServerCPUs, LoadCPUs string
	ServerHost           string   // USER@HOST where the servers run; empty: here
	LoadHosts            []string // where the load is generated; none: here
	ServerAddress        string   // at which the servers listen; empty: that of the ssh connection, or loopback
	Out, Resume          string
	Shard                string
	Claims               string

	Tool    string   // that makes the run, with its version
	Command []string // that the run can be started over with; none: it cannot
}

// UsageError is a mistake in the options.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }

func (e UsageError) Unwrap() error { return e.Err }

// LimitError says that this machine does not allow what is asked for, and with a
// second line what to do.
type LimitError struct{ Msg string }

func (e LimitError) Error() string { return e.Msg }

// selection is a profile with what the flags change of it.
type selection struct {
	*profile.Profile
	chosen  bool // the arms are not those of the profile
	notices []string
}

// selected reads the profile and lets the flags change it.
func (o Options) selected(known Catalog) (selection, error) {
	p, err := LoadProfile(o.Profile)
	if err != nil {
		return selection{}, err
	}
	if err := p.CheckArms(known.CheckArm); err != nil {
		return selection{}, err
	}
	s := selection{Profile: p}
	profiles := slices.Clone(p.Arms)
	var arms []string
	for _, list := range o.Arms { // not as CSV, in which the quotes of a route would mean something
		arms = append(arms, strings.Split(list, ",")...)
	}
	if len(o.Servers) > 0 && len(arms) == 0 {
		for _, a := range p.Arms {
			arms = append(arms, a.Name)
		}
		for _, server := range slices.Sorted(maps.Keys(known)) {
			arms = append(arms, known.arms(server)...)
		}
	}
	if len(arms) > 0 {
		if err := p.Select(arms); err != nil {
			return selection{}, UsageError{fmt.Errorf("--arm: %w", err)}
		}
		for _, a := range p.Arms {
			if err := known.CheckArm(a); err != nil {
				return selection{}, UsageError{fmt.Errorf("--arm: %w", err)}
			}
		}
		s.chosen = len(p.Arms) != len(profiles) || slices.ContainsFunc(p.Arms, func(a record.Arm) bool { return !slices.Contains(profiles, a) })
	}
	if o.Blocks != "" {
		least := p.Blocks.Min
		blocks, err := parseRange(o.Blocks)
		if err != nil {
			return selection{}, UsageError{err}
		}
		if p.SetBlocks(blocks); p.Quotable && blocks.Min < least {
			p.Quotable = false
			s.notices = append(s.notices, fmt.Sprintf("--blocks %s is below the least of profile %s, %d blocks", o.Blocks, p.Name, least))
		}
	}
	return s, nil
}

func parseRange(text string) (record.Range, error) {
	lo, hi, ranged := strings.Cut(text, "..")
	if !ranged {
		hi = lo
	}
	low, err1 := strconv.Atoi(lo)
	high, err2 := strconv.Atoi(hi)
	if err := errors.Join(err1, err2); err != nil || low < 1 || high < low || high > 1000 {
		return record.Range{}, fmt.Errorf("--blocks %q: want N or MIN..MAX, from 1 to 1000", text)
	}
	return record.Range{Min: low, Max: high}, nil
}

// LedgerOf is the ledger as it stood when the run began.
func LedgerOf(run *record.Run, dir string) (*claims.Ledger, error) {
	ledger, err := claims.StoredLedger(filepath.Join(dir, record.RunFile)+" (claims)", []byte(run.Claims))
	if err != nil {
		return nil, err
	}
	if ledger.Hash != run.ClaimsHash {
		return nil, &yamlfile.Error{File: filepath.Join(dir, record.RunFile), Path: "claims", Msg: "is not the ledger that was fixed before the run: its SHA-256 is not claims_hash; judge by another one with verdicts --claims FILE"}
	}
	if err := ledger.Keep(run.Asked); err != nil {
		return nil, &yamlfile.Error{File: filepath.Join(dir, record.RunFile), Path: "asked", Msg: err.Error()}
	}
	return ledger, nil
}
