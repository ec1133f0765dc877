package yamlfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/hellobench/hellobench/docs/formats"
)

// finding is one cause that the schema gives.
type finding struct {
	path   []string
	msg    string
	weight int // of two at one place the lighter is the more telling
}

// The weights of findings. A misspelled key explains the one that is missing.
const (
	unknownKey = iota
	wrongValue
	missingKey
	missingChoice
)

// checker puts the causes of a schema's refusal into words of the file.
type checker struct {
	schema   *jsonschema.Schema
	instance any
	found    []finding
}

// findings are what a schema refuses of a decoded file, the most telling one of
// each place.
func findings(instance any, schema string) ([]finding, error) {
	s, err := formats.Schema(schema)
	if err != nil {
		return nil, err
	}
	var ve *jsonschema.ValidationError
	if err := s.Validate(instance); !errors.As(err, &ve) {
		return nil, err
	}
	c := &checker{schema: s, instance: instance}
	c.collect(ve)
	lightest := map[string]int{}
	for _, f := range c.found {
		places := [][]string{f.path}
		if f.weight == unknownKey {
			places = append(places, f.path[:len(f.path)-1])
		}
		for _, p := range places {
			if at, seen := lightest[key(p)]; !seen || f.weight < at {
				lightest[key(p)] = f.weight
			}
		}
	}
	had := map[string]bool{}
	return slices.DeleteFunc(c.found, func(f finding) bool {
		at := key(f.path)
		again := had[at]
		had[at] = true
		return again || f.weight > lightest[at]
	}), nil
}

func key(path []string) string { return strings.Join(path, "\x00") }

// collect flattens a validation error into its leaves, which are what a
// person can act on.
func (c *checker) collect(ve *jsonschema.ValidationError) {
	at := slices.Clone(ve.InstanceLocation)
	add := func(weight int, msg string) { c.found = append(c.found, finding{at, msg, weight}) }
	switch k := ve.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		known := slices.Sorted(maps.Keys(c.schemaAt(at).Properties))
		for _, property := range k.Properties {
			c.found = append(c.found, finding{append(slices.Clone(at), property), "unknown key" + DidYouMean(property, known), unknownKey})
		}
	case *kind.PropertyNames:
		msg := "not allowed as a key here"
		if p, ok := ve.Causes[0].ErrorKind.(*kind.Pattern); ok {
			msg += "; want " + form(p.Want)
		}
		c.found = append(c.found, finding{pathTo(c.instance, k.Property), msg, unknownKey}) // the library does not say where
	case *kind.Required:
		add(missingKey, missing(k.Missing))
	case *kind.OneOf, *kind.AnyOf:
		if words := c.choice(ve); words != "" {
			add(missingChoice, words)
			return
		}
		c.causes(ve)
	default:
		if len(ve.Causes) > 0 {
			c.causes(ve)
			return
		}
		add(wrongValue, c.words(at, k))
	}
}

func (c *checker) causes(ve *jsonschema.ValidationError) {
	for _, cause := range ve.Causes {
		c.collect(cause)
	}
}

// choice is the message where one of several keys is needed and none, or more
// than one, is given; "" where the mistake is another one.
func (c *checker) choice(ve *jsonschema.ValidationError) string {
	if k, ok := ve.ErrorKind.(*kind.OneOf); ok && len(k.Subschemas) > 0 {
		var keys []string
		for _, i := range k.Subschemas {
			keys = append(keys, c.schemaAt(ve.InstanceLocation).OneOf[i].Required...)
		}
		return "has " + List(keys, "and") + "; give only one of them"
	}
	var keys []string
	for _, cause := range ve.Causes {
		k, ok := cause.ErrorKind.(*kind.Required)
		if !ok || len(cause.InstanceLocation) != len(ve.InstanceLocation) {
			return ""
		}
		keys = append(keys, k.Missing...)
	}
	return "needs one of " + List(keys, "and")
}

func missing(keys []string) string {
	if len(keys) == 1 {
		return fmt.Sprintf("the key %s is missing", keys[0])
	}
	return fmt.Sprintf("the keys %s are missing", List(keys, "and"))
}

// forms are the patterns of the schemas in words.
var forms = map[string]string{
	`^([0-9]+(\.[0-9]+)?(ms|s|m))+$`:  "a duration such as 500ms, 2s or 1m",
	`^/`:                              "a path that begins with /",
	`^(/|[a-z0-9][a-z0-9-]*$)`:        "a path that begins with /, or a name of lower-case letters, digits and hyphens",
	`^[0-9]+(\.[0-9]+)*$`:             "a version such as 3.12",
	`^[A-Za-z_][A-Za-z0-9_]*$`:        "letters, digits and _",
	`^[a-z0-9][a-z0-9-]*$`:            "lower-case letters, digits and hyphens",
	`^[a-z0-9][a-z0-9-]{0,62}$`:       "lower-case letters, digits and hyphens, at most 63",
	`^[A-Za-z0-9+/]+={0,2}$`:          "base64",
	`^[0-9a-f]{64}$`:                  "64 hexadecimal digits",
	`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:`: "a time such as 2026-01-31T12:00:00Z",
}

func form(pattern string) string {
	for p, words := range forms {
		if pattern == p || strings.HasSuffix(p, ":") && strings.HasPrefix(pattern, p) {
			return words
		}
	}
	return "text that matches " + pattern
}

var kinds = map[string]string{
	"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
	"array": "a list, such as [a, b]", "object": "keys with values", "null": "nothing",
}

var english = message.NewPrinter(language.English)

// words are what is wrong with a value.
func (c *checker) words(at []string, k jsonschema.ErrorKind) string {
	got := shown(valueAt(c.instance, at))
	switch k := k.(type) {
	case *kind.Type:
		var want []string
		for _, t := range k.Want {
			want = append(want, kinds[t])
		}
		if pattern := c.schemaAt(at).Pattern; pattern != nil && k.Want[0] == "string" {
			want[0] = form(pattern.String())
		}
		return fmt.Sprintf("%s: want %s%s", got, strings.Join(want, " or "), c.numeric(at, k))
	case *kind.Minimum:
		return fmt.Sprintf("%s: must be at least %s", got, decimal(k.Want))
	case *kind.Maximum:
		return fmt.Sprintf("%s: must be at most %s", got, decimal(k.Want))
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("%s: must be above %s", got, decimal(k.Want))
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("%s: must be below %s", got, decimal(k.Want))
	case *kind.MinItems, *kind.MinProperties:
		return "is empty; give at least one"
	case *kind.MinLength:
		return "must not be empty"
	case *kind.MaxLength:
		return fmt.Sprintf("has %d characters, at most %d are allowed", k.Got, k.Want)
	case *kind.UniqueItems:
		return shown(valueAt(c.instance, append(at, strconv.Itoa(k.Duplicates[0])))) + " is in the list twice"
	case *kind.Pattern:
		return fmt.Sprintf("%s: want %s", got, form(k.Want))
	case *kind.Enum:
		return fmt.Sprintf("%s: want one of %s%s", got, List(texts(k.Want), "and"), DidYouMean(strings.Trim(got, `"`), texts(k.Want)))
	case *kind.Const:
		if k.Want == true {
			return got + ": want true, or leave the key out"
		}
		return fmt.Sprintf("%s: want %s, the only version that this hellobench reads", got, shown(k.Want))
	case *kind.DependentRequired:
		return fmt.Sprintf("has %s, which needs %s too", k.Prop, List(k.Missing, "and"))
	}
	return k.LocalizedString(english)
}

var exponent = regexp.MustCompile(`^[-+]?[0-9.]+[eE][-+]?[0-9]+$`)

// numeric says why a text that looks like a number is none.
func (c *checker) numeric(at []string, k *kind.Type) string {
	text, ok := valueAt(c.instance, at).(string)
	switch {
	case !ok || k.Want[0] != "number" && k.Want[0] != "integer":
		return ""
	case exponent.MatchString(text):
		return ", without an exponent"
	case text != "" && strings.Trim(text, "0123456789") == "":
		return ", without quotes and of at most 18 digits"
	}
	return ""
}

func decimal(r *big.Rat) string {
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func texts(values []any) (out []string) {
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// mostShown is how many characters of a value a message repeats.
const mostShown = 60

// shown is a value as a message repeats it.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		if r := []rune(v); len(r) > mostShown {
			v = string(r[:mostShown]) + "..."
		}
		return strconv.Quote(v)
	case json.Number, bool, float64, int:
		if s := fmt.Sprint(v); len(s) <= mostShown {
			return s
		}
		return "a number of many digits"
	case []any:
		return "a list"
	case nil:
		return "no value"
	}
	return "keys with values"
}

// valueAt is the part of a decoded file at a path.
func valueAt(v any, path []string) any {
	for _, step := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			i, _ := strconv.Atoi(step)
			v = in[i]
		}
	}
	return v
}

// pathTo is the path of a key, wherever it is.
func pathTo(v any, key string) []string {
	in, _ := v.(map[string]any)
	if _, here := in[key]; here {
		return []string{key}
	}
	for _, k := range slices.Sorted(maps.Keys(in)) {
		if path := pathTo(in[k], key); path != nil {
			return append([]string{k}, path...)
		}
	}
	return nil
}

// schemaAt is the part of the schema that describes what is at a path.
func (c *checker) schemaAt(path []string) *jsonschema.Schema {
	s := resolve(c.schema)
	for _, step := range path {
		more, _ := s.AdditionalProperties.(*jsonschema.Schema)
		switch {
		case s.Properties[step] != nil:
			s = resolve(s.Properties[step])
		case s.Items2020 != nil:
			s = resolve(s.Items2020)
		case more != nil:
			s = resolve(more)
		}
	}
	return s
}

func resolve(s *jsonschema.Schema) *jsonschema.Schema {
	for s.Ref != nil {
		s = s.Ref
	}
	return s
}
