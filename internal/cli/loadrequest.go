package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/hellobench/hellobench/internal/http1"
)

// requestOptions are the flags that say what is sent, and what is to come back.
type requestOptions struct {
	method, body, bodyLines, urls string
	headers                       []string
	status                        int
	exact, pattern                string
	length                        int64
}

func (o *requestOptions) flags(f *pflag.FlagSet) {
	f.StringVarP(&o.method, "method", "X", "", "method of the request (GET by default, POST with a body)")
	f.StringArrayVarP(&o.headers, "header", "H", nil, "header of the request, as 'Name: value'; may be given several times")
	f.StringVar(&o.body, "body", "", "body of the request, or @FILE that holds it (@- for standard input)")
	f.StringVar(&o.bodyLines, "body-lines", "", "file of which each line is the body of one request, in turn")
	f.StringVar(&o.urls, "urls", "", "file of URLs in the place of one, a line each, with its weight in front where that is not 1; they are asked in turn")
	f.IntVar(&o.status, "expect-status", 200, "the status of a correct response")
	f.StringVar(&o.exact, "expect-body", "", "the exact body of a correct response (any body by default)")
	f.Int64Var(&o.length, "expect-length", 0, "the length in bytes of the body of a correct response")
	f.StringVar(&o.pattern, "expect-pattern", "", "RE2 pattern that the body of a correct response has a match of")
}

// exchanges are what the load consists of, in turn.
func (o *requestOptions) exchanges(given func(flag string) bool, urls []string) ([]http1.Exchange, error) {
	urls, err := o.targets(urls)
	if err != nil {
		return nil, err
	}
	x := http1.Exchange{Method: o.method, Header: http.Header{}}
	for _, h := range o.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, fmt.Errorf("--header %q: want 'Name: value'", h)
		}
		x.Header.Add(name, strings.TrimSpace(value))
	}
	if x.Want, err = o.want(given); err != nil {
		return nil, err
	}
	bodies, err := o.bodies(given)
	if err != nil {
		return nil, err
	}
	if x.Method == "" && len(bodies) > 0 {
		x.Method = http.MethodPost
	}
	each := max(len(bodies), 1)
	if len(urls)*each > mostExchanges {
		return nil, fmt.Errorf("%d URLs by weight and %d bodies: want at most %d pairs of them", len(urls), each, mostExchanges)
	}
	// Every URL gets every body: with each turn of the URLs the bodies move on by one.
	all := make([]http1.Exchange, len(urls)*each)
	for i := range all {
		all[i] = x
		if all[i].URL = urls[i%len(urls)]; len(bodies) > 0 {
			all[i].Body = bodies[(i/len(urls)+i%len(urls))%each]
		}
		if _, err := http1.NewRequest(&all[i], false); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (o *requestOptions) want(given func(flag string) bool) (want http1.Expectation, err error) {
	want.Status = o.status
	rules := 0
	for _, flag := range []string{"expect-body", "expect-length", "expect-pattern"} {
		if given(flag) {
			rules++
		}
	}
	switch {
	case rules > 1:
		return want, errors.New("--expect-body, --expect-length and --expect-pattern: give only one of them")
	case given("expect-body"):
		want.Exact = []byte(o.exact)
	case given("expect-length") && o.length < 0:
		return want, fmt.Errorf("--expect-length %d: must be at least 0", o.length)
	case given("expect-length"):
		want.Length = &o.length
	case given("expect-pattern"):
		if want.Pattern, err = regexp.Compile(o.pattern); err != nil {
			return want, fmt.Errorf("--expect-pattern: %w", err)
		}
	}
	return want, nil
}

// mostLoaded bounds what is read of a file of bodies or URLs, and what it makes.
const (
	mostLoaded    = 64 << 20
	mostRequests  = 10_000
	mostExchanges = 100_000
)

func (o *requestOptions) bodies(given func(flag string) bool) ([][]byte, error) {
	name, fromFile := strings.CutPrefix(o.body, "@")
	switch {
	case given("body") && given("body-lines"):
		return nil, errors.New("--body and --body-lines: give only one of them")
	case given("body-lines"):
		lines, err := linesOf("body-lines", o.bodyLines)
		if err == nil && len(lines) == 0 {
			err = fmt.Errorf("--body-lines %s: is empty", o.bodyLines)
		}
		return lines, err
	case fromFile:
		data, err := readLoaded("body", name)
		return [][]byte{data}, err
	case given("body"):
		return [][]byte{[]byte(o.body)}, nil
	}
	return nil, nil
}

// targets are the URLs, each as often in turn as its weight says.
func (o *requestOptions) targets(urls []string) ([]string, error) {
	switch {
	case o.urls == "" && len(urls) == 1:
		return urls, nil
	case o.urls == "":
		return nil, errors.New("want a URL, such as http://127.0.0.1:8080/, or --urls FILE")
	case len(urls) > 0:
		return nil, errors.New("a URL and --urls: give only one of them")
	}
	lines, err := linesOf("urls", o.urls)
	if err != nil {
		return nil, err
	}
	var weights []int
	total := 0
	for i, line := range lines {
		fields := strings.Fields(string(line))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		weight := 1
		if len(fields) == 2 {
			weight, err = strconv.Atoi(fields[0])
		}
		url := fields[len(fields)-1]
		if len(fields) > 2 || err != nil || weight < 1 || weight > 1000 {
			return nil, fmt.Errorf("--urls %s:%d: want URL, or WEIGHT URL with a whole number from 1 to 1000; a blank in a URL is written %%20", o.urls, i+1)
		}
		if _, err := http1.NewRequest(&http1.Exchange{URL: url}, false); err != nil {
			return nil, fmt.Errorf("--urls %s:%d: %w", o.urls, i+1, err)
		}
		urls, weights, total = append(urls, url), append(weights, weight), total+weight
	}
	if len(urls) == 0 || total > mostRequests {
		return nil, fmt.Errorf("--urls %s: has URLs of weight %d; want 1 to %d", o.urls, total, mostRequests)
	}
	return inTurn(urls, weights, total), nil
}

// inTurn spreads each URL evenly over a turn (smooth weighted round robin, as in nginx):
// each step all gain their weight, and the one that has most pays the total.
func inTurn(urls []string, weights []int, total int) []string {
	gained := make([]int, len(urls))
	out := make([]string, total)
	for i := range out {
		most := 0
		for j, w := range weights {
			if gained[j] += w; gained[j] > gained[most] {
				most = j
			}
		}
		gained[most] -= total
		out[i] = urls[most]
	}
	return out
}

func linesOf(flag, name string) ([][]byte, error) {
	data, err := readLoaded(flag, name)
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	for line := range bytes.Lines(data) {
		lines = append(lines, bytes.TrimRight(line, "\r\n"))
	}
	if len(lines) > mostRequests {
		return nil, fmt.Errorf("--%s %s: has %d lines; want at most %d", flag, name, len(lines), mostRequests)
	}
	return lines, nil
}

// readLoaded reads a file that a flag names; - is standard input.
func readLoaded(flag, name string) ([]byte, error) {
	in := io.ReadCloser(os.Stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", flag, err)
		}
		in = f
	}
	defer func() { _ = in.Close() }()
	data, err := io.ReadAll(io.LimitReader(in, mostLoaded+1))
	if err == nil && len(data) > mostLoaded {
		err = fmt.Errorf("holds more than %d MiB", mostLoaded>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("--%s %s: %w", flag, name, err)
	}
	return data, nil
}
