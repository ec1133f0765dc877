package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/profile"
	"github.com/hellobench/hellobench/runners"
)

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "list servers|arms|claims|profiles",
		Short:     "List what there is to measure",
		ValidArgs: []string{"servers", "arms", "claims", "profiles"},
		Args:      arguments(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		RunE: func(_ *cobra.Command, args []string) error {
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			var err error
			switch args[0] {
			case "servers":
				err = listServers(w)
			case "claims":
				err = listClaims(w)
			default:
				err = listProfiles(w, args[0] == "arms")
			}
			if err != nil {
				return err
			}
			return w.Flush()
		},
	}
}

func listServers(w *tabwriter.Writer) error {
	for _, name := range fixtures.ServerNames() {
		m, err := runners.Load(fixtures.Servers(), name)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", m.Name, m.Runtime, m.Title); err != nil {
			return err
		}
	}
	return nil
}

func listClaims(w *tabwriter.Writer) error {
	l, err := claims.DecodeLedger(fixtures.ClaimsFile, fixtures.Claims())
	if err != nil {
		return err
	}
	for _, c := range l.Claims {
		if _, err := fmt.Fprintf(w, "%s\t%s\n", c.ID, c.Paraphrase); err != nil {
			return err
		}
	}
	return nil
}

func listProfiles(w *tabwriter.Writer, arms bool) error {
	for _, name := range fixtures.ProfileNames() {
		p, err := loadProfile(name)
		if err != nil {
			return err
		}
		if !arms {
			if _, err := fmt.Fprintf(w, "%s\t%s\n", p.Name, p.Description); err != nil {
				return err
			}
			continue
		}
		for _, arm := range p.Entered() {
			if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name, arm.Name, arm.Server, arm.Route); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadProfile reads an embedded profile, or a file where the name ends in .yaml.
func loadProfile(name string) (*profile.Profile, error) {
	if isYAML(name) {
		data, err := readFile(name)
		if err != nil {
			return nil, err
		}
		return profile.Decode(name, data)
	}
	data, err := fixtures.Profile(name)
	if err != nil {
		return nil, usageError{err}
	}
	return profile.Decode("profiles/"+name+".yaml", data)
}
