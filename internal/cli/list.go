package cli

import (
	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/session"
	"github.com/hellobench/hellobench/runners"
)

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "list servers|arms|claims|profiles",
		Short:     "List what there is to measure",
		Example:   "  hellobench list servers",
		ValidArgs: []string{"servers", "arms", "claims", "profiles"},
		Args:      arguments(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		RunE: func(_ *cobra.Command, args []string) error {
			var rows [][]string
			var err error
			switch args[0] {
			case "servers":
				rows, err = listServers()
			case "claims":
				rows, err = listClaims()
			default:
				rows, err = listProfiles(args[0] == "arms")
			}
			if err != nil {
				return err
			}
			return writeRows(a.out, rows)
		},
	}
}

func listServers() (rows [][]string, err error) {
	for _, name := range fixtures.ServerNames() {
		m, err := runners.Load(fixtures.Servers(), name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, []string{m.Name, m.Runtime, m.Title})
	}
	return rows, nil
}

func listClaims() (rows [][]string, err error) {
	l, err := claims.DecodeLedger(fixtures.ClaimsFile, fixtures.Claims)
	if err != nil {
		return nil, err
	}
	for _, c := range l.Claims {
		rows = append(rows, []string{c.ID, c.Paraphrase})
	}
	return rows, nil
}

func listProfiles(arms bool) (rows [][]string, err error) {
	for _, name := range fixtures.ProfileNames() {
		p, err := session.LoadProfile(name)
		if err != nil {
			return nil, err
		}
		if !arms {
			rows = append(rows, []string{p.Name, p.Description})
			continue
		}
		for _, arm := range p.Enter() {
			rows = append(rows, []string{p.Name, arm.Name, arm.Server, arm.Route})
		}
	}
	return rows, nil
}
