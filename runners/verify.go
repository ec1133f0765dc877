package runners

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/record"
)

// answer is one response.
type answer struct {
	status int
	header http.Header
	body   []byte
	closed bool // the server ends the connection
}

// maxBody bounds what is read of one answer.
const maxBody = 64 << 20

// get sends one request, the bytes that the load will consist of, on a
// connection of its own.
func get(ctx context.Context, url string, keepAlive bool) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tr := &http.Transport{
		DisableKeepAlives: !keepAlive, DisableCompression: true,
		DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
	}
	defer tr.CloseIdleConnections()
	req, err := http1.NewRequest(url, !keepAlive)
	if err != nil {
		return nil, err
	}
	resp, err := tr.RoundTrip(req.HTTP(ctx))
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var body []byte
	if resp.StatusCode != http.StatusSwitchingProtocols { // what follows has no end, and ctx does not end it
		if body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1)); err != nil {
			return nil, err
		}
		if len(body) > maxBody {
			return nil, fmt.Errorf("a body of more than %d MiB, the most that can be checked under load", maxBody>>20)
		}
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: body, closed: resp.Close}, nil
}

// Status is that of a correct answer of a route.
func (p *Process) Status(route string) int { return cmp.Or(p.in.Routes[route].Status, http.StatusOK) }

// Verify asks for a route before any load: once with keep-alive and once
// with close. Status, type and body must be what the manifest says, and the
// same both times. It returns the body that every later answer must have.
func (p *Process) Verify(ctx context.Context, route string) ([]byte, error) {
	want, known := p.in.Routes[route]
	var first []byte
	for i, keepAlive := range []bool{true, false} {
		a, err := get(ctx, p.URL(route), keepAlive)
		if err != nil {
			return nil, record.Fault{Err: fmt.Errorf("verify server %q: GET %s: %w", p.in.Name, route, err)}
		}
		fail := func(format string, args ...any) error {
			return record.Fault{Err: fmt.Errorf("verify server %q: GET %s: %s", p.in.Name, route, fmt.Sprintf(format, args...))}
		}
		switch {
		case a.status != p.Status(route):
			return nil, fail("status %d, want %d: %s", a.status, p.Status(route), printable(a.body[:min(len(a.body), 100)]))
		case known && want.Body != nil && string(a.body) != *want.Body:
			return nil, fail("wrong body: %q, want %q", printable(a.body[:min(len(a.body), 100)]), *want.Body)
		case known && !strings.HasPrefix(a.header.Get("Content-Type"), want.Type):
			return nil, fail("Content-Type %q, want %q", a.header.Get("Content-Type"), want.Type)
		case i > 0 && string(a.body) != string(first):
			return nil, fail("two answers differ: a body that changes cannot be checked under load")
		}
		first = a.body
	}
	return first, nil
}
