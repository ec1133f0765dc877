package enginetest_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// asked counts requests by what a server makes of them.
type asked struct {
	mu sync.Mutex
	n  map[string]uint64
}

func (a *asked) add(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.n == nil {
		a.n = map[string]uint64{}
	}
	a.n[what]++
}

// testExchanges sends what is no plain GET.
func testExchanges(t *testing.T, e load.Engine) {
	echo := func(status string, a *asked) func(*exchange) bool {
		return func(x *exchange) bool {
			a.add(x.head[0] + " " + x.body)
			return x.send(response(status, x.body))
		}
	}
	t.Run("bodies in turn", func(t *testing.T) {
		var a asked
		s := newServer(t, func(x *exchange) bool {
			assert.True(t, x.header("X-Key: a b") && x.header("Content-Type: application/json") && x.header("Accept: text/html"), "%q", x.head)
			return echo("201 Created", &a)(x)
		})
		sp := spec("", 3, short)
		sp.Exchanges = nil
		length := int64(len(`{"n":0}`))
		for i := range 3 {
			sp.Exchanges = append(sp.Exchanges, http1.Exchange{
				URL: s.url() + "items", Method: http.MethodPost, Body: fmt.Appendf(nil, `{"n":%d}`, i),
				Header: http.Header{"x-key": {" a b "}, "Content-Type": {"application/json"}, "Accept": {"text/html"}},
				Want:   http1.Expectation{Status: 201, Length: &length},
			})
		}
		m := measure(t, e, sp)
		checkAllOK(t, m, s)
		for i := range 3 {
			assert.InDelta(t, m.Requests/3, a.n[fmt.Sprintf(`POST /items HTTP/1.1 {"n":%d}`, i)], 3)
		}
	})
	t.Run("expectations", func(t *testing.T) {
		var a asked
		s := newServer(t, echo("200 OK", &a))
		sp := spec("", 2, short)
		want := map[string]http1.Expectation{
			"matches": {Pattern: regexp.MustCompile("^mat.*es$")}, "another": {Pattern: regexp.MustCompile("^mat.*es$")},
			"exact": {Exact: []byte("exact")}, "other": {Exact: []byte("exact")},
		}
		sp.Exchanges = nil
		for body, w := range want {
			sp.Exchanges = append(sp.Exchanges, http1.Exchange{URL: s.url(), Method: http.MethodPut, Body: []byte(body), Want: w})
		}
		m := measure(t, e, sp)
		wrong := a.n["PUT / HTTP/1.1 another"] + a.n["PUT / HTTP/1.1 other"]
		assert.NotZero(t, wrong)
		assert.Equal(t, record.Errors{Body: wrong}, m.Errors, "first: %s", m.FirstError)
		assert.EqualValues(t, m.Requests, s.received.Load())
	})
	t.Run("HEAD", func(t *testing.T) {
		s := newServer(t, func(x *exchange) bool { return x.send("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n") })
		sp := spec("", 2, short)
		sp.Exchanges = []http1.Exchange{{URL: s.url(), Method: http.MethodHead}}
		checkAllOK(t, measure(t, e, sp), s)
		s.acceptsExactly(t, 2)
	})
	t.Run("a body that no buffer holds", func(t *testing.T) {
		var a asked
		s := newServer(t, echo("200 OK", &a))
		sp := spec("", 2, short)
		body := []byte(strings.Repeat("0123456789abcdef", 1<<18))
		sp.Exchanges = []http1.Exchange{{URL: s.url(), Method: http.MethodPost, Body: body, Want: http1.Expectation{Exact: body}}}
		checkAllOK(t, measure(t, e, sp), s)
	})
}
