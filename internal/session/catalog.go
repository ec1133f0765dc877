package session

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/profile"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/yamlfile"
	"github.com/hellobench/hellobench/runners"
)

// Catalog is the servers that there are: the embedded ones, and the folders of
// others by name.
type Catalog map[string]string

// ServersOf are the servers that a run can have had.
func ServersOf(run *record.Run) Catalog {
	c := Catalog{}
	for _, a := range run.Arms { // one that could not be installed is not among Servers
		if !a.Canary() && !slices.Contains(fixtures.ServerNames(), a.Server) {
			c[a.Server] = ""
		}
	}
	for _, s := range run.Servers {
		if s.Folder != "" {
			c[s.Server] = s.Folder
		}
	}
	return c
}

// CheckArm refuses an arm whose server does not exist, or does not have the
// parameters that it sets. It does not look at routes: a manifest need not
// name them all, and the server itself says whether it has one.
func (c Catalog) CheckArm(arm record.Arm) error {
	if arm.Server == record.NullServer {
		return nil
	}
	folder, own := c[arm.Server]
	if own && folder == "" { // a run had it, and does not say where it was
		return nil
	}
	if known := slices.Concat(fixtures.ServerNames(), slices.Sorted(maps.Keys(c))); !own && !slices.Contains(known, arm.Server) {
		return fmt.Errorf("there is no server %q%s (see hellobench list servers; a folder of your own is given with --server)",
			arm.Server, yamlfile.DidYouMean(arm.Server, known))
	}
	servers := fixtures.Servers()
	if own {
		servers = os.DirFS(filepath.Dir(folder))
	}
	m, err := runners.Load(servers, arm.Server)
	if err != nil {
		return nil //nolint:nilerr // whoever starts it says so, with file and line
	}
	for _, route := range []string{arm.Route, arm.Beside} {
		if _, has := m.Routes[route]; !has && route != "" && !strings.HasPrefix(route, "/") {
			return fmt.Errorf("arm %q: server %q has no route %q%s", arm.Name, arm.Server, route, yamlfile.DidYouMean(route, slices.Sorted(maps.Keys(m.Routes))))
		}
	}
	if _, has := m.Variants[arm.Variant]; arm.Variant != "" && !has {
		return fmt.Errorf("arm %q: server %q has no variant %q%s", arm.Name, arm.Server, arm.Variant, yamlfile.DidYouMean(arm.Variant, slices.Sorted(maps.Keys(m.Variants))))
	}
	for _, p := range []struct {
		name  string
		asked int
		has   *runners.Parameter
	}{{"workers", arm.Workers, m.Workers}, {"threads", arm.Threads, m.Threads}} {
		switch {
		case p.asked > 1 && p.has == nil:
			return fmt.Errorf("arm %q: %s %d: server %q has no such parameter", arm.Name, p.name, p.asked, arm.Server)
		case p.has != nil && p.asked > p.has.Max:
			return fmt.Errorf("arm %q: %s %d: server %q takes at most %d", arm.Name, p.name, p.asked, arm.Server, p.has.Max)
		}
	}
	return nil
}

// arms are those of a server of one's own that nobody chose: the route /, or all of its
// routes if it says nothing of that one.
func (c Catalog) arms(server string) []string {
	m, err := runners.Load(os.DirFS(filepath.Dir(c[server])), server)
	if err != nil { // whoever installs it says so
		return []string{server}
	}
	if _, has := m.Routes["/"]; has {
		return []string{server}
	}
	var arms []string
	for _, route := range slices.Sorted(maps.Keys(m.Routes)) {
		arms = append(arms, server+":route="+route)
	}
	return arms
}

// CheckName is CheckArm of an arm as people write it.
func (c Catalog) CheckName(text string) error {
	arm, err := profile.ParseArm(text)
	if err != nil {
		return err
	}
	return c.CheckArm(arm)
}

// LeftOut says which claims a run does not answer because of which arm.
func LeftOut(left []claims.LeftOut) (notes []string) {
	for _, l := range left {
		if l.Arm != "" {
			notes = append(notes, fmt.Sprintf("claim %q is left out: %s is not part of the run", l.ID, l.Arm))
		}
	}
	return notes
}

// mostNamed is how many arms a heading names.
const mostNamed = 4

// Heading is the title of a report whose arms are not those of the ledger's
// question: it says what was measured and nothing else.
func Heading(arms []record.Arm) string {
	var names []string
	for _, a := range arms {
		if a.Replicate == "" && !a.Canary() {
			names = append(names, a.Name)
		}
	}
	if n := len(names); n > mostNamed {
		names = append(names[:mostNamed-1], fmt.Sprintf("%d more", n-mostNamed+1))
	}
	return "hellobench: " + yamlfile.List(names, "and")
}

// LoadProfile reads an embedded profile, or a file where the name ends in .yaml.
func LoadProfile(name string) (*profile.Profile, error) {
	if isYAML(name) {
		data, err := ReadFile(name)
		if err != nil {
			return nil, err
		}
		return profile.Decode(name, data)
	}
	data, err := fixtures.Profile(name)
	if err != nil {
		return nil, UsageError{err}
	}
	return profile.Decode("profiles/"+name+".yaml", data)
}

// ReadFile reads a file that people write.
func ReadFile(name string) ([]byte, error) {
	return yamlfile.Read(name, func(name string) (fs.File, error) { return os.Open(name) })
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}
