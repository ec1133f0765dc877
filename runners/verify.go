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
func get(ctx context.Context, x *http1.Exchange, keepAlive bool) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tr := &http.Transport{
		DisableKeepAlives: !keepAlive, DisableCompression: true,
		DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
	}
	defer tr.CloseIdleConnections()
	req, err := http1.NewRequest(x, !keepAlive)
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

// Verify asks for a route before any load: once with keep-alive and once with close,
// and the second time with the second body, where there are several. Status, type and
// body must be what the manifest says; where it says nothing of the body, it must be
// the same both times. The route is one of the manifest's, by its name, or any path.
// It returns the requests that the load consists of, in turn.
func (p *Process) Verify(ctx context.Context, route string) ([]http1.Exchange, error) {
	r := p.in.Routes[route] // the zero value for a path that the manifest does not name
	r.Path = cmp.Or(r.Path, route)
	want, settled := r.want()
	all := r.exchanges(p.URL(""), want)
	for i, keepAlive := range []bool{true, false} {
		x := &all[i%len(all)]
		a, err := get(ctx, x, keepAlive)
		if err != nil {
			return nil, p.unverified(&r, "%w", err)
		}
		start := printable(a.body[:min(len(a.body), 100)])
		var body http1.Body
		body.Add(a.body, &want)
		switch {
		case a.status != want.Status:
			return nil, p.unverified(&r, "status %d, want %d: %s", a.status, want.Status, start)
		case !body.Matches(&want) && !settled:
			return nil, p.unverified(&r, "two answers differ: a body that changes cannot be checked under load, unless its route says what is correct (body: any, {pattern: ...} or {length: ...})")
		case !body.Matches(&want) && want.Exact != nil:
			return nil, p.unverified(&r, "wrong body: %q, want %q", start, want.Exact)
		case !body.Matches(&want):
			return nil, p.unverified(&r, "wrong %s: %q", want.WrongBody(body.Size), start)
		case !strings.HasPrefix(a.header.Get("Content-Type"), r.Type):
			return nil, p.unverified(&r, "Content-Type %q, want %q", a.header.Get("Content-Type"), r.Type)
		}
		if !settled {
			want.Exact = append([]byte{}, a.body...)
		}
	}
	return r.exchanges(p.URL(""), want), nil
}

// unverified is the error of a server that does not answer a route as it must.
func (p *Process) unverified(r *Route, format string, args ...any) error {
	return record.Fault{Err: fmt.Errorf("verify server %q: %s %s: %w", p.in.Name, cmp.Or(r.Method, http.MethodGet), r.Path, fmt.Errorf(format, args...))}
}
