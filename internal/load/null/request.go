package null

import (
	"bytes"

	"github.com/hellobench/hellobench/internal/http1"
)

// maxHead is the longest request head that is read.
const maxHead = 64 << 10

// request is what matters of one request head.
type request struct {
	head     bool // HEAD: no body in the response
	keep     bool
	old      bool // HTTP/1.0
	bad      bool
	target   []byte // of the request line
	bodySize int64  // bytes to skip before the next request
}

// parseRequest reads a complete head, up to and including its empty line.
// A body without Content-Length is not looked for: such a connection closes.
func parseRequest(head []byte) request {
	line, rest, _ := bytes.Cut(head, []byte("\n"))
	words := bytes.Fields(line)
	if len(words) != 3 || !bytes.HasPrefix(words[2], []byte("HTTP/1.")) {
		return request{bad: true}
	}
	q := request{head: string(words[0]) == "HEAD", old: string(words[2]) == "HTTP/1.0"}
	q.keep = !q.old
	q.target = words[1]
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Connection")):
			q.keep = !http1.HasToken(value, "close") && (q.keep || http1.HasToken(value, "keep-alive"))
		case bytes.EqualFold(name, []byte("Content-Length")):
			n, ok := http1.Length(value)
			q.bodySize, q.bad = n, !ok
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			q.keep = false
			return q
		}
	}
	return q
}

// headEnd is the length of the request head that data begins with, 0 if it is
// not complete.
func headEnd(data []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(data[at:], '\n')
		if i < 0 {
			return 0
		}
		at += i + 1
		if rest := data[at:]; len(rest) > 0 && rest[0] == '\n' {
			return at + 1
		} else if len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n' {
			return at + 2
		}
	}
}
