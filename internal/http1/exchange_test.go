package http1

import (
	"bytes"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExchangeBytes(t *testing.T) {
	for name, c := range map[string]struct {
		x    Exchange
		want string
	}{
		"method": {Exchange{URL: "http://h/", Method: "DELETE"}, "DELETE / HTTP/1.1\r\nHost: h\r\n" + usual + "\r\n"},
		"body": {
			Exchange{URL: "http://h/items", Method: "POST", Body: []byte("{}"), Header: http.Header{"content-type": {"application/json"}, "X-Two": {" a ", "b"}}},
			"POST /items HTTP/1.1\r\nHost: h\r\nUser-Agent: hellobench\r\nContent-Length: 2\r\nAccept: */*\r\nContent-Type: application/json\r\nX-Two: a\r\nX-Two: b\r\n\r\n{}",
		},
		"none": {Exchange{URL: "http://h/", Method: "PATCH"}, "PATCH / HTTP/1.1\r\nHost: h\r\nUser-Agent: hellobench\r\nContent-Length: 0\r\nAccept: */*\r\n\r\n"},
		"usual": {
			Exchange{URL: "http://u:p@h/", Header: http.Header{"Host": {"name"}, "User-Agent": {"me"}, "Accept": {"text/html"}, "Authorization": {"Bearer x"}}},
			"GET / HTTP/1.1\r\nHost: name\r\nUser-Agent: me\r\nAccept: text/html\r\nAuthorization: Bearer x\r\n\r\n",
		},
	} {
		r, err := NewRequest(&c.x, false)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, string(r.Bytes()), name)
		for range 2 { // the body can be sent again
			var b bytes.Buffer
			require.NoError(t, r.HTTP(t.Context()).Write(&b))
			assert.Equal(t, c.want, b.String(), "%s, as net/http writes it", name)
		}
	}
}

func TestExchangeRefuses(t *testing.T) {
	for want, x := range map[string]Exchange{
		`method "G T"`:                  {Method: "G T"},
		`method "CONNECT"`:              {Method: "CONNECT"},
		`header "a b"`:                  {Header: http.Header{"a b": {"x"}}},
		"header X: \"a\\nb\" holds":     {Header: http.Header{"X": {"a\nb"}}},
		"header Content-Length: cannot": {Header: http.Header{"content-length": {"1"}}},
		"header Connection: cannot":     {Header: http.Header{"Connection": {"close"}}},
		"header Host: can be sent once": {Header: http.Header{"Host": {"a", "b"}}},
		`header Host: ""`:               {Header: http.Header{"host": {" "}}},
		`header Host: "a/b"`:            {Header: http.Header{"Host": {"a/b"}}},
		`header Host: "münchen.de"`:     {Header: http.Header{"Host": {"münchen.de"}}},
		`header User-Agent: ""`:         {Header: http.Header{"User-Agent": {""}}},
	} {
		x.URL = "http://h/"
		_, err := NewRequest(&x, false)
		assert.ErrorContains(t, err, want)
	}
}

func TestBody(t *testing.T) {
	three := int64(3)
	for _, c := range []struct {
		want  Expectation
		parts []string
		right bool
	}{
		{Expectation{}, []string{"any"}, true},
		{Expectation{Exact: []byte("abc")}, []string{"a", "bc"}, true},
		{Expectation{Exact: []byte("abc")}, []string{"abc", "d"}, false},
		{Expectation{Exact: []byte{}}, nil, true},
		{Expectation{Exact: []byte{}}, []string{"a"}, false},
		{Expectation{Length: &three}, []string{"x", "yz"}, true},
		{Expectation{Length: &three}, []string{"x", "y"}, false},
		{Expectation{Pattern: regexp.MustCompile("^a+$")}, []string{"aa", "a"}, true},
		{Expectation{Pattern: regexp.MustCompile("^a+$")}, []string{"aa", "b"}, false},
		{Expectation{Pattern: regexp.MustCompile("a")}, []string{string(make([]byte, MaxMatched)), "a"}, false},
	} {
		var b Body
		for _, p := range c.parts {
			b.Add([]byte(p), &c.want)
		}
		assert.Equal(t, c.right, b.Matches(&c.want), "%v %.40q", c.want, c.parts)
	}
}

// TestHeadHasNoBody: where the request was a HEAD, the head is all of the response.
func TestHeadHasNoBody(t *testing.T) {
	r, err := NewRequest(&Exchange{URL: "http://h/", Method: "HEAD"}, false)
	require.NoError(t, err)
	var resp Response
	for range 2 {
		resp.Reset()
		text := []byte("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")
		n, done, err := resp.Feed(text, &r.Want)
		require.NoError(t, err)
		assert.True(t, done)
		assert.Equal(t, len(text), n)
		assert.False(t, resp.Close)
	}
}
