package profile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/yamlfile"
)

// routeName is how the manifest calls a route that is not called by its path.
var routeName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// armKeys are the keys of an arm, in the order in which messages name them.
var armKeys = []string{"workers", "threads", "instances", "route", "beside", "variant", "close", "shared"}

// ParseArm reads an arm as people write it: a server's name, then what
// differs from its defaults, such as "node-cluster:workers=2:route=/json:close".
func ParseArm(text string) (record.Arm, error) {
	if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }); i >= 0 {
		return record.Arm{}, fmt.Errorf("arm %q: holds a character that cannot be printed", text)
	}
	parts := strings.Split(text, ":")
	arm := record.Arm{Name: text, Server: parts[0], Route: "/"}
	if arm.Server == "" {
		return arm, fmt.Errorf("arm %q: no server", text)
	}
	counts := map[string]*int{"workers": &arm.Workers, "threads": &arm.Threads, "instances": &arm.Instances}
	paths := map[string]*string{"route": &arm.Route, "beside": &arm.Beside}
	flags := map[string]*bool{"close": &arm.Close, "shared": &arm.Shared}
	given := map[string]bool{}
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		var err error
		if given[key] {
			return arm, fmt.Errorf("arm %q: %s: is given twice", text, key)
		}
		given[key] = true
		switch count, path, flag := counts[key], paths[key], flags[key]; {
		case count != nil:
			*count, err = positive(value)
		case path != nil:
			if *path = value; !strings.HasPrefix(value, "/") && !routeName.MatchString(value) {
				err = errors.New("want a path that begins with /, or the name of a route in the manifest")
			}
		case key == "variant":
			if arm.Variant = value; value == "" {
				err = errors.New("names one of the manifest's")
			}
		case flag != nil:
			if *flag = true; value != "" {
				err = errors.New("takes no value")
			}
		default:
			err = errors.New("unknown; there are " + yamlfile.List(armKeys, "and") + yamlfile.DidYouMean(key, armKeys))
		}
		if err != nil {
			return arm, fmt.Errorf("arm %q: %s: %w", text, key, err)
		}
	}
	switch {
	case arm.Canary():
		return arm, fmt.Errorf("arm %q: the null server is no competitor, but where it calculates (route=/cpu?n=...)", text)
	case arm.Instances > 0 && arm.Workers > 1:
		return arm, fmt.Errorf("arm %q: workers: an instance has one core", text)
	case arm.Instances > 1 && arm.Beside != "":
		return arm, fmt.Errorf("arm %q: beside: has no meaning with several instances", text)
	}
	return arm, nil
}

// dealt says why an arm's instances cannot be measured at one of the levels:
// the client deals connections to them, not the times of a schedule, and each
// has to get one.
func dealt(arm record.Arm, levels []record.Level) error {
	if arm.Instances <= 1 {
		return nil
	}
	if i := slices.IndexFunc(levels, record.Level.Open); i >= 0 {
		return fmt.Errorf("arm %q: instances: are for closed loops only, and the level %v is open", arm.Name, levels[i])
	}
	if i := slices.IndexFunc(levels, func(l record.Level) bool { return l.Connections < arm.Instances }); i >= 0 {
		return fmt.Errorf("arm %q: instances: the level %v has fewer connections", arm.Name, levels[i])
	}
	return nil
}

func positive(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q: want a number from 1", text)
	}
	return n, nil
}
