package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parse feeds data in pieces whose sizes are taken from cuts in turn (at
// least one byte each; none: all at once), then the end of the connection.
func parse(data, cuts []byte, want *Expectation) (r Response, used int, err error) {
	for i := 0; used < len(data); i++ {
		size := len(data)
		if len(cuts) > 0 {
			size = 1 + int(cuts[i%len(cuts)])
		}
		piece := data[used:min(used+size, len(data))]
		n, done, err := r.Feed(piece, want)
		used += n
		if err != nil || done {
			return r, used, err
		}
		if n != len(piece) {
			return r, used, fmt.Errorf("took %d of %d bytes without being done", n, len(piece))
		}
	}
	return r, used, r.End()
}

var responses = []string{
	"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHello World!",
	"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHello",
	"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
	"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.0 200 OK\r\n\r\nuntil the end",
	"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1a;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n3 \r\nabc\r\n0\r\nX-A: b\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\na\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
	"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
	"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found",
	"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\n : b\r\n\r\n",
	"HTTP/1.1 200 OK\r\nNoColon\r\n\r\n",
	"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n",
	"HTTP/1.1 2000 OK\r\n\r\n",
	"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/0.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
	"ICY 200 OK\r\n\r\n",
	"",
}

// reference is what net/http reads: interim responses are skipped as its
// transport does, and the body is read to its end.
func reference(data []byte) (status int, body []byte, closes bool, err error) {
	br := bufio.NewReader(bytes.NewReader(data))
	for {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			return 0, nil, false, err
		}
		if resp.StatusCode/100 == 1 && resp.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		body, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		return resp.StatusCode, body, resp.Close, err
	}
}

// stricter says whether a response was refused on purpose although net/http
// takes it:
//   - a folded header line, which RFC 9112 section 5.2 forbids a server to send;
//   - a head of more than 64 KiB or 1,000 lines;
//   - a sign in the status code, where net/http uses strconv.Atoi;
//   - a bare line feed in a trailer, where net/http looks for two CRLFs first
//     and then reads lines of either kind.
func stricter(err error, data []byte) bool {
	switch {
	case errors.Is(err, errFold), errors.Is(err, errHeadSize), errors.Is(err, errTrailer):
		return true
	case errors.Is(err, errLength): // the line before a folded one is read first
		return bytes.Contains(data, []byte("\n ")) || bytes.Contains(data, []byte("\n\t"))
	case errors.Is(err, errStatusCode):
		return bytes.ContainsAny(data, "+-")
	}
	return false
}

// laxer says whether a response was taken on purpose although net/http
// refuses it: it does not look at what a Trailer header announces, and its
// limit for trailers is the head's, not the size of a buffer.
func laxer(err error) bool {
	return strings.Contains(err.Error(), "bad trailer key") || strings.Contains(err.Error(), "suspiciously long trailer")
}

func compareWithReference(t *testing.T, data, cuts []byte) {
	t.Helper()
	status, body, closes, refErr := reference(data)
	want := &Expectation{Exact: body}
	r, used, err := parse(data, cuts, want)
	if err != nil && stricter(err, data) {
		return
	}
	if refErr != nil && err == nil && laxer(refErr) {
		return
	}
	require.Equal(t, refErr == nil, err == nil, "net/http: %v; here: %v", refErr, err)
	if err != nil {
		return
	}
	require.LessOrEqual(t, used, len(data))
	assert.Equal(t, status, int(r.Status))
	assert.True(t, r.Matches(want), "%d bytes of body, net/http %d", r.Size, len(body))
	if status != http.StatusSwitchingProtocols {
		assert.Equal(t, closes, r.Close, "closes")
	}
}

func TestParseAgreesWithNetHTTP(t *testing.T) {
	for _, text := range responses {
		for _, cuts := range [][]byte{nil, {0}, {1}, {2, 0, 6}} {
			compareWithReference(t, []byte(text), cuts)
		}
	}
}

// FuzzParse holds the parser against net/http: same status, same body, same
// end of the connection, and an error where it has one. The deliberate
// differences are named at stricter and laxer.
func FuzzParse(f *testing.F) {
	for _, text := range responses {
		f.Add([]byte(text), []byte{})
		f.Add([]byte(text), []byte{0})
		f.Add([]byte(text), []byte{3, 0, 17})
	}
	f.Fuzz(compareWithReference)
}

func TestParseFindsTheEnd(t *testing.T) {
	data := []byte(responses[0] + "HTTP/1.1")
	_, used, err := parse(data, nil, &Expectation{})
	require.NoError(t, err)
	assert.Equal(t, len(responses[0]), used)
}

func TestParseComparesTheBody(t *testing.T) {
	for _, tc := range []struct {
		want  string
		match bool
	}{{"Hello World!", true}, {"Hello World", false}, {"Hello World!!", false}, {"hello World!", false}, {"", false}} {
		for _, cuts := range [][]byte{nil, {0}} {
			want := &Expectation{Exact: []byte(tc.want)}
			r, _, err := parse([]byte(responses[0]), cuts, want)
			require.NoError(t, err)
			assert.Equal(t, tc.match, r.Matches(want), "%q", tc.want)
		}
	}
}

func TestParseLimits(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\n"
	for name, tc := range map[string]struct {
		text string
		err  error
	}{
		"64 KiB":         {head + "A: " + strings.Repeat("b", maxHead-len(head)-len("A: \r\n\r\n")) + "\r\n\r\n", nil},
		"a byte more":    {head + "A: " + strings.Repeat("b", maxHead-len(head)-len("A: \r\n\r\n")+1) + "\r\n\r\n", errHeadSize},
		"no line end":    {strings.Repeat("b", maxHead+1), errHeadSize},
		"1,000 lines":    {head + strings.Repeat("A: b\r\n", maxLines-2) + "\r\n", nil},
		"a line more":    {head + strings.Repeat("A: b\r\n", maxLines-1) + "\r\n", errHeadSize},
		"interim heads":  {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", maxLines), errHeadSize},
		"chunk overhead": {head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\na\r\n", 20), errChunk},
	} {
		for _, cuts := range [][]byte{nil, {0}, {250}} {
			_, _, err := parse([]byte(tc.text), cuts, &Expectation{})
			require.ErrorIs(t, err, tc.err, name)
		}
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	want := &Expectation{Exact: []byte("Hello World!")}
	for _, text := range []string{responses[0], responses[7]} {
		data := []byte(text)
		var r Response
		feed := func() {
			r.Reset()
			for i := range data {
				_, _, err := r.Feed(data[i:i+1], want)
				require.NoError(t, err)
			}
		}
		feed()
		assert.Zero(t, testing.AllocsPerRun(100, feed), text)
	}
}

func BenchmarkParse(b *testing.B) {
	data := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\n" +
		"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 12\r\n\r\nHello World!")
	want := &Expectation{Exact: []byte("Hello World!")}
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	var r Response
	for b.Loop() {
		r.Reset()
		if _, done, err := r.Feed(data, want); !done || err != nil {
			b.Fatal(done, err)
		}
	}
}
