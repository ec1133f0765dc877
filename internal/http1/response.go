// Package http1 is what goes over a connection: the one request that verifies
// and loads a server, and the reading of its responses. Everything that sends
// requests builds them here, so that what was verified is what is measured, and
// both engines judge a response's boundaries by the same parser.
//
// It refuses to open connections, to follow redirects and to guess: a response
// whose end is not certain is an error.
package http1

import (
	"bytes"
	"errors"
)

// Limits of what is read as a response. The head counts with its interim
// (1xx) heads and with the trailers.
const (
	maxHead      = 64 << 10 // bytes
	maxLines     = 1000
	maxChunkLine = 4096 // bytes, with its CRLF
	// chunkSlack is how many bytes more than 16 a chunk and twice the data a
	// chunked body may spend on sizes and extensions: net/http's figure.
	chunkSlack = 16 << 10
)

// Why a response was refused. Those that net/http would let pass are listed
// at FuzzParse.
var (
	errVersion    = errors.New("the status line does not begin with an HTTP version")
	errStatusCode = errors.New("the status code is not three digits")
	errField      = errors.New("malformed header line")
	errFold       = errors.New("a header line is folded")
	errHeadSize   = errors.New("the head is longer than 64 KiB or 1,000 lines")
	errLength     = errors.New("bad Content-Length")
	errEncoding   = errors.New("Transfer-Encoding is not one chunked")
	errChunk      = errors.New("malformed chunked body")
	errTrailer    = errors.New("malformed trailer")
)

// What a connection did outside of a response.
var (
	ErrCut         = errors.New("the connection ended inside the response")
	ErrExtra       = errors.New("more bytes than the response has")
	ErrUnsolicited = errors.New("bytes that no request asked for")
)

// Parts of a response, in the order in which they come.
const (
	atStatus = iota
	atField
	atBody      // Content-Length bytes
	atUntilEnd  // all up to the end of the connection
	atChunkSize // a line
	atChunkData
	atChunkEnd // the CRLF after the data
	atTrailer  // lines
	atEnd
)

// Response reads one HTTP/1.x response (RFC 9112) from pieces of any size. It keeps
// nothing of the body, unless that is held against a pattern, and copies only lines
// that are cut by the end of a piece. The zero value is ready.
type Response struct {
	state     uint8
	http11    bool // version 1.1 or later
	Close     bool // the server will not take another request here
	keepAlive bool // token of HTTP/1.0
	hasLength bool
	encodings uint8
	chunked   bool   // the last Transfer-Encoding was "chunked"
	Status    uint16 // three digits
	lines     uint16
	head      int32 // bytes of lines so far
	digits    int32 // in which the Content-Length was written
	excess    int64
	length    int64  // Content-Length
	left      int64  // bytes to come of the body or chunk
	line      []byte // a line's beginning, from earlier pieces
	Body
}

// Reset makes the response ready for the next one and keeps its memory.
func (r *Response) Reset() { *r = Response{line: r.line[:0], Body: r.emptied()} }

// Feed reads the next piece and returns how many of its bytes belonged to the
// response and whether the response is complete. After an error the
// connection is of no use.
func (r *Response) Feed(data []byte, want *Expectation) (n int, done bool, err error) {
	for r.state != atEnd && n < len(data) {
		rest := data[n:]
		switch r.state {
		case atBody, atChunkData:
			k := min(int64(len(rest)), r.left)
			r.Add(rest[:k], want)
			n += int(k)
			if r.left -= k; r.left == 0 {
				r.bodyPartDone()
			}
		case atUntilEnd:
			r.Add(rest, want)
			n = len(data)
		default:
			k, err := r.feedLine(rest, want.head)
			if err != nil {
				return n, false, err
			}
			n += k
		}
	}
	return n, r.state == atEnd, nil
}

// End tells the response that the connection has ended, and whether that
// completes it.
func (r *Response) End() error {
	switch r.state {
	case atEnd:
	case atUntilEnd:
		r.state = atEnd
	default:
		return ErrCut
	}
	return nil
}

// Switches says whether the connection speaks another protocol after the head:
// what follows belongs to no response, and is not one too many.
func (r *Response) Switches() bool { return r.Status == 101 }

func (r *Response) bodyPartDone() {
	if r.state == atBody {
		r.state = atEnd
		return
	}
	r.state = atChunkEnd
}

// feedLine reads up to and including the next line end, which may lie in a
// later piece.
func (r *Response) feedLine(data []byte, head bool) (int, error) {
	n := bytes.IndexByte(data, '\n') + 1
	piece := data
	if n > 0 {
		piece = data[:n]
	}
	if err := r.count(len(piece), n > 0); err != nil {
		return 0, err
	}
	if n == 0 || len(r.line) > 0 {
		r.line = append(r.line, piece...)
		piece = r.line
	}
	if n == 0 {
		return len(data), nil
	}
	err := r.take(piece, head)
	r.line = r.line[:0]
	return n, err
}

// count holds the limits.
func (r *Response) count(n int, ended bool) error {
	if r.state == atChunkSize || r.state == atChunkEnd {
		if len(r.line)+n > maxChunkLine {
			return errChunk
		}
		return nil
	}
	if r.head += int32(n); r.head > maxHead {
		return errHeadSize
	}
	if ended {
		if r.lines++; r.lines > maxLines {
			return errHeadSize
		}
	}
	return nil
}

// take reads one line with its line end.
func (r *Response) take(line []byte, head bool) error {
	crlf := bytes.HasSuffix(line, []byte("\r\n"))
	switch r.state {
	case atStatus:
		return r.takeStatus(trimLineEnd(line))
	case atField:
		if line = trimLineEnd(line); len(line) == 0 {
			return r.takeHeadEnd(head)
		}
		return r.takeField(line)
	case atChunkSize:
		if !crlf || bytes.IndexByte(line, '\r') != len(line)-2 {
			return errChunk
		}
		return r.takeChunkSize(line[:len(line)-2])
	case atChunkEnd:
		if !crlf || len(line) != 2 {
			return errChunk
		}
		r.state = atChunkSize
		return nil
	default: // atTrailer
		if !crlf {
			return errTrailer
		}
		if line = line[:len(line)-2]; len(line) == 0 {
			r.state = atEnd
			return nil
		}
		_, _, err := splitField(line)
		return err
	}
}

// takeStatus reads "HTTP/1.1 200 OK"; the phrase may be missing.
func (r *Response) takeStatus(line []byte) error {
	version, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(version) != 8 || string(version[:5]) != "HTTP/" || version[6] != '.' || !digit(version[5]) || !digit(version[7]) {
		return errVersion
	}
	major, minor := version[5]-'0', version[7]-'0'
	code, _, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	if len(code) != 3 || !digit(code[0]) || !digit(code[1]) || !digit(code[2]) {
		return errStatusCode
	}
	r.Status = uint16(code[0]-'0')*100 + uint16(code[1]-'0')*10 + uint16(code[2]-'0')
	// net/http takes version 0.0 for 1.1 where it reads Transfer-Encoding,
	// and every version below 1 for one that closes.
	r.http11 = major > 1 || major == 1 && minor >= 1 || major == 0 && minor == 0
	r.Close = major < 1
	r.state = atField
	return nil
}

// takeField reads one header line and keeps what decides where the body ends.
func (r *Response) takeField(line []byte) error {
	name, value, err := splitField(line)
	if err != nil {
		return err
	}
	switch len(name) {
	case len("Connection"):
		if equalFold(name, "connection") {
			r.Close = r.Close || HasToken(value, "close")
			r.keepAlive = r.keepAlive || HasToken(value, "keep-alive")
		}
	case len("Content-Length"):
		if equalFold(name, "content-length") {
			return r.takeLength(value)
		}
	case len("Transfer-Encoding"):
		if equalFold(name, "transfer-encoding") {
			r.encodings = min(r.encodings+1, 2)
			r.chunked = equalFold(value, "chunked")
		}
	}
	return nil
}

func (r *Response) takeLength(value []byte) error {
	n, ok := Length(value)
	if !ok {
		return errLength
	}
	if r.hasLength && (n != r.length || len(value) != int(r.digits)) { // written alike, as net/http wants it
		return errLength
	}
	r.digits = int32(len(value))
	r.hasLength, r.length = true, n
	return nil
}

// Length reads the value of a Content-Length.
func Length(value []byte) (n int64, ok bool) {
	for _, c := range value {
		if !digit(c) || n > (1<<63-1-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(value) > 0
}

// takeHeadEnd decides how the body is delimited (RFC 9112, section 6.3).
func (r *Response) takeHeadEnd(head bool) error {
	chunked := r.http11 && r.encodings > 0
	if chunked && (r.encodings > 1 || !r.chunked) {
		return errEncoding
	}
	if r.Status/100 == 1 && r.Status != 101 {
		// An interim response: the one that counts is still to come.
		*r = Response{line: r.line, head: r.head, lines: r.lines, Body: r.Body}
		return nil
	}
	if !r.http11 && !r.keepAlive {
		r.Close = true
	}
	switch {
	case r.Status == 101:
		r.Close, r.state = true, atEnd // whatever follows is not HTTP
	case r.Status == 204, r.Status == 304, head:
		r.state = atEnd
	case chunked:
		r.state = atChunkSize
	case r.hasLength && r.length == 0:
		r.state = atEnd
	case r.hasLength:
		r.left, r.state = r.length, atBody
	default:
		r.Close, r.state = true, atUntilEnd
	}
	return nil
}

// takeChunkSize reads "1a;extension".
func (r *Response) takeChunkSize(line []byte) error {
	r.excess += int64(len(line)) + 2
	size, _, _ := bytes.Cut(bytes.TrimRight(line, " \t"), []byte(";"))
	if len(size) == 0 || len(size) > 16 {
		return errChunk
	}
	var n int64
	for _, c := range size {
		d, ok := hexDigit(c)
		if !ok || n >= 1<<57 {
			return errChunk
		}
		n = n<<4 | int64(d)
	}
	if n == 0 {
		r.state = atTrailer
		return nil
	}
	if r.excess = max(0, r.excess-16-2*n); r.excess > chunkSlack {
		return errChunk
	}
	r.left, r.state = n, atChunkData
	return nil
}

// splitField splits "Name: value" and checks both; the value is trimmed.
func splitField(line []byte) (name, value []byte, err error) {
	if line[0] == ' ' || line[0] == '\t' {
		return nil, nil, errFold
	}
	colon := bytes.IndexByte(line, ':')
	if colon < 1 {
		return nil, nil, errField
	}
	name, value = line[:colon], line[colon+1:]
	for _, c := range name {
		if fieldClass[c]&nameByte == 0 {
			return nil, nil, errField
		}
	}
	for len(value) > 0 && isBlank(value[0]) {
		value = value[1:]
	}
	for len(value) > 0 && isBlank(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	for _, c := range value {
		if fieldClass[c]&valueByte == 0 {
			return nil, nil, errField
		}
	}
	return name, value, nil
}

const (
	nameByte  = 1
	valueByte = 2
)

// fieldClass says where in a header line a byte may stand (RFC 9110, section
// 5). Like net/http it lets a space pass in a name, which is then no name
// that means anything.
var fieldClass = func() (class [256]uint8) {
	for c := range class {
		if c >= 0x20 && c != 0x7f || c == '\t' {
			class[c] = valueByte
		}
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if letter || c < 0x80 && bytes.IndexByte([]byte(" !#$%&'*+-.^_`|~"), byte(c)) >= 0 {
			class[c] |= nameByte
		}
	}
	return class
}()

// HasToken says whether a comma-separated list holds the token (lower case).
func HasToken(list []byte, token string) bool {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, []byte(","))
		if equalFold(bytes.Trim(item, " \t"), token) {
			return true
		}
	}
	return false
}

// equalFold compares ASCII letters without their case; lower is lower case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func trimLineEnd(line []byte) []byte {
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}

func hexDigit(c byte) (uint8, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func digit(c byte) bool   { return c >= '0' && c <= '9' }
func isBlank(c byte) bool { return c == ' ' || c == '\t' }
