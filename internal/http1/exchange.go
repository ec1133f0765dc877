package http1

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
)

// Exchange is one request, and which response to it is correct.
type Exchange struct {
	URL    string      // http[s]://[USER:PASSWORD@]HOST[:PORT][/PATH][?QUERY]
	Method string      // GET if empty; not CONNECT
	Header http.Header // beside what every request says, or in its place
	Body   []byte      // nil: none
	Want   Expectation
}

// Get are plain GETs of which any response with status 200 is correct.
func Get(urls ...string) []Exchange {
	all := make([]Exchange, len(urls))
	for i, u := range urls {
		all[i].URL = u
	}
	return all
}

// Expectation says which response is correct. The zero value takes any body with
// status 200. At most one of the rules for the body is set.
type Expectation struct {
	Status  int            // 0: 200
	Exact   []byte         // if not nil: the body is these bytes
	Length  *int64         // if not nil: the body has so many bytes
	Pattern *regexp.Regexp // if not nil: the body has a match, and at most MaxMatched bytes
	head    bool           // the request is a HEAD: its response ends with its head
}

// MaxMatched bounds the bodies that are held against a pattern: they have to be kept
// until they are complete.
const MaxMatched = 1 << 20

// Equal says whether the same responses are correct.
func (e *Expectation) Equal(o *Expectation) bool {
	return e.Status == o.Status && e.head == o.head &&
		(e.Pattern == o.Pattern || e.Pattern != nil && o.Pattern != nil && e.Pattern.String() == o.Pattern.String()) &&
		(e.Exact == nil) == (o.Exact == nil) && bytes.Equal(e.Exact, o.Exact) &&
		(e.Length == o.Length || e.Length != nil && o.Length != nil && *e.Length == *o.Length)
}

// WrongStatus says of a response that its status is not the expected one.
func (e *Expectation) WrongStatus(status int) string {
	return fmt.Sprintf("status %d, expected %d", status, e.Status)
}

// WrongBody says of a body of so many bytes that it is not what was expected.
func (e *Expectation) WrongBody(size int64) string {
	switch {
	case e.Pattern != nil:
		return fmt.Sprintf("body: %d bytes without a match of %q", size, e.Pattern)
	case e.Length != nil:
		return fmt.Sprintf("body: %d bytes, expected %d", size, *e.Length)
	default:
		return fmt.Sprintf("body: %d bytes that are not the %d expected", size, len(e.Exact))
	}
}

// Body holds a body against an expectation, piece by piece. The zero value is
// ready for the first piece.
type Body struct {
	Size    int64 // bytes so far
	differs bool
	text    []byte // the body so far, where a pattern is expected
}

// Add takes the next piece.
func (b *Body) Add(piece []byte, want *Expectation) {
	switch {
	case b.differs:
	case want.Exact != nil:
		rest := want.Exact[min(b.Size, int64(len(want.Exact))):]
		b.differs = len(piece) > len(rest) || !bytes.Equal(piece, rest[:len(piece)])
	case want.Pattern != nil:
		if b.differs = len(b.text)+len(piece) > MaxMatched; !b.differs {
			b.text = append(b.text, piece...)
		}
	}
	b.Size += int64(len(piece))
}

// Matches says whether the complete body is correct.
func (b *Body) Matches(want *Expectation) bool {
	switch {
	case want.Exact != nil:
		return !b.differs && b.Size == int64(len(want.Exact))
	case want.Length != nil:
		return b.Size == *want.Length
	case want.Pattern != nil:
		return !b.differs && want.Pattern.Match(b.text)
	default:
		return true
	}
}

// emptied is ready for the next body, with the memory of this one.
func (b *Body) emptied() Body { return Body{text: b.text[:0]} }
