package http1

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What every request says of its sender. A server that insists on either
// header (some answer 403 without) does so before any load, too.
const (
	UserAgent = "hellobench"
	Accept    = "*/*"
)

// Request is what an exchange sends, the same bytes whoever sends it. It does not
// change, and may be used by many goroutines.
type Request struct {
	Want Expectation // with its status

	method string
	url    *url.URL // escaped, without userinfo and fragment
	host   string   // the Host header: without zone
	header http.Header
	body   []byte
}

// NewRequest reads an exchange. Userinfo of its URL becomes an Authorization header.
// Whatever of the path and the query may not go over the wire as it is, is escaped,
// and what is escaped already stays; closes asks the server to end the connection
// after its response. The error names the target without its userinfo.
func NewRequest(x *Exchange, closes bool) (*Request, error) {
	u, err := target(x.URL)
	if err != nil {
		return nil, err
	}
	r := &Request{Want: x.Want, method: cmp.Or(x.Method, http.MethodGet), url: u, body: x.Body}
	if !token(r.method) || r.method == http.MethodConnect {
		return nil, fmt.Errorf("method %q: want one such as GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS", r.method)
	}
	r.Want.Status, r.Want.head = cmp.Or(r.Want.Status, http.StatusOK), r.method == http.MethodHead
	r.header = http.Header{"User-Agent": {UserAgent}, "Accept": {Accept}}
	if u.User != nil {
		password, _ := u.User.Password()
		r.header["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))}
	}
	if err := r.say(x.Header); err != nil {
		return nil, err
	}
	if closes {
		r.header["Connection"] = []string{"close"}
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	u.Host = strings.TrimSuffix(u.Host, ":")
	if r.host = withoutZone(u.Host); r.header["Host"] != nil {
		r.host = r.header.Get("Host")
		r.header.Del("Host")
	}
	return r, nil
}

// target reads a URL.
func target(text string) (*url.URL, error) {
	u, err := url.Parse(escape(text))
	switch {
	case err != nil && strings.Contains(text, "@"): // the reason may quote a password
		return nil, fmt.Errorf("target URL %q: want http://HOST:PORT/PATH", Mask(text))
	case err != nil:
		return nil, fmt.Errorf("target URL %q: %w; want http://HOST:PORT/PATH", text, reason(err))
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("target URL %q: the scheme must be http or https, as in http://127.0.0.1:8080/", Mask(text))
	case u.Hostname() == "":
		return nil, fmt.Errorf("target URL %q: no host", Mask(text))
	case u.Port() != "" && !port(u.Port()):
		return nil, fmt.Errorf("target URL %q: a port is a number from 1 to 65535", Mask(text))
	case !ascii(u.Host):
		return nil, fmt.Errorf("target URL %q: write a host name with other letters than a-z as xn--..., or its address", Mask(text))
	}
	return u, nil
}

func port(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// ours are the headers that follow from the rest of a request.
var ours = map[string]string{
	"Content-Length": "it is that of the body", "Transfer-Encoding": "a body has a length here",
	"Connection": "whether it closes is asked for otherwise", "Trailer": "a body has a length here",
	"Upgrade": "the connection stays HTTP/1.1", "Expect": "a body is sent at once",
}

// once are the headers that are sent once, and what they may say: net/http leaves out or
// changes what does not fit, and both engines have to send the same.
var once = map[string]*regexp.Regexp{
	"User-Agent": regexp.MustCompile(`.`), "Host": regexp.MustCompile(`^[-A-Za-z0-9._~!$&'()*+,;=:\[\]]+$`),
}

// say adds headers, or takes them in the place of what every request says.
func (r *Request) say(header http.Header) error {
	for _, given := range slices.Sorted(maps.Keys(header)) {
		name := textproto.CanonicalMIMEHeaderKey(given)
		switch why, own := ours[name]; {
		case !token(name):
			return fmt.Errorf("header %q: want a name such as Content-Type", given)
		case own:
			return fmt.Errorf("header %s: cannot be set, %s", name, why)
		case len(header[given]) > 1 && once[name] != nil:
			return fmt.Errorf("header %s: can be sent once only", name)
		case once[name] != nil && !once[name].MatchString(strings.Trim(header.Get(given), " \t")):
			return fmt.Errorf("header %s: %q cannot be sent; it has to be one that every client sends alike", name, header.Get(given))
		}
		r.header[name] = nil
		for _, value := range header[given] {
			if value = strings.Trim(value, " \t"); !fieldValue(value) {
				return fmt.Errorf("header %s: %q holds a character that no header may", name, value)
			}
			r.header[name] = append(r.header[name], value)
		}
	}
	return nil
}

// token says whether a text may be a method or the name of a header (RFC 9110, section 5.6.2).
func token(s string) bool {
	for i := range len(s) {
		if fieldClass[s[i]]&nameByte == 0 || s[i] == ' ' {
			return false
		}
	}
	return s != ""
}

func fieldValue(s string) bool {
	for i := range len(s) {
		if fieldClass[s[i]]&valueByte == 0 {
			return false
		}
	}
	return true
}

// reason is what is wrong with a URL, without the URL.
func reason(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}

// withoutZone takes the zone out of a bracketed address: it means something on
// this machine only (RFC 6874).
func withoutZone(host string) string {
	address, rest, ok := strings.Cut(host, "%")
	if !ok || !strings.HasPrefix(host, "[") {
		return host
	}
	return address + rest[strings.LastIndex(rest, "]"):]
}

// zone is an address with a zone, as people write it: in a URL its % is %25 (RFC 6874).
var zone = regexp.MustCompile(`^[a-z]+://(?:[^/?#]*@)?\[[0-9A-Fa-f:.]+%[^\]/?#]+\]`)

// escape escapes the bytes of a target's path and query that RFC 3986 has no
// place for, and leaves what is escaped already. net/url refuses a lone % in a
// path, and keeps a query as it was written: a blank would end the target.
// Control characters stay, for net/url to refuse.
func escape(target string) string {
	_, rest, ok := strings.Cut(target, "://")
	begin := strings.IndexAny(rest, "/?#")
	if address := zone.FindString(target); address != "" && !strings.Contains(address, "%25") {
		return escape(strings.Replace(target, address, strings.Replace(address, "%", "%25", 1), 1))
	}
	if !ok || begin < 0 {
		return target
	}
	var b strings.Builder
	b.WriteString(target[:len(target)-len(rest)+begin])
	rest, _, _ = strings.Cut(rest[begin:], "#")
	for i := range len(rest) {
		switch c := rest[i]; {
		case c == '%' && (i+2 >= len(rest) || !isHex(rest[i+1]) || !isHex(rest[i+2])):
			b.WriteString("%25")
		case c == ' ' || c > 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool { _, ok := hexDigit(c); return ok }

// Mask is a URL as it may be printed and stored: xxxxx in place of its userinfo.
// It takes any text.
func Mask(target string) string {
	begin := strings.Index(target, "//") + len("//")
	if begin < len("//") {
		begin = 0
	}
	end := len(target)
	if u, err := url.Parse(target); err == nil && u.Opaque == "" {
		if u.User == nil {
			return target
		}
		if i := strings.IndexAny(target[begin:], "/?#"); i >= 0 {
			end = begin + i
		}
	}
	at := strings.LastIndex(target[:end], "@")
	if at < begin {
		return target
	}
	return target[:begin] + "xxxxx" + target[at:]
}

// URL is the target in canonical form, without userinfo: it may be printed.
func (r *Request) URL() string { return r.url.String() }

// Method is GET, POST and so on.
func (r *Request) Method() string { return r.method }

// Size is that of the body, in bytes.
func (r *Request) Size() int { return len(r.body) }

// Scheme is http or https.
func (r *Request) Scheme() string { return r.url.Scheme }

// Address is where to connect to. The host may be a name, or an address with a zone.
func (r *Request) Address() (host, port string) {
	if port = r.url.Port(); port == "" {
		port = map[string]string{"http": "80", "https": "443"}[r.url.Scheme]
	}
	return r.url.Hostname(), port
}

// HostPort is Address in one string, as net.Dial takes it.
func (r *Request) HostPort() string { return net.JoinHostPort(r.Address()) }

// HTTP is the request for net/http, which writes the bytes that Bytes returns.
// Its headers are shared: a transport does not change them, nor may anybody else.
func (r *Request) HTTP(ctx context.Context) *http.Request {
	q := &http.Request{
		Method: r.method, URL: r.url, Host: r.host, Header: r.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if len(r.body) > 0 {
		q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(r.body)), int64(len(r.body))
	}
	return q.WithContext(ctx)
}

// Bytes is the request as it is sent, in net/http's order of the headers.
func (r *Request) Bytes() []byte {
	b := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.method, r.url.RequestURI(), r.host)
	line := func(name string) {
		for _, value := range r.header[name] {
			b = fmt.Appendf(b, "%s: %s\r\n", name, value)
		}
	}
	line("User-Agent")
	if len(r.body) > 0 || r.method == http.MethodPost || r.method == http.MethodPut || r.method == http.MethodPatch {
		b = fmt.Appendf(b, "Content-Length: %d\r\n", len(r.body))
	}
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		if name != "User-Agent" {
			line(name)
		}
	}
	return append(append(b, "\r\n"...), r.body...)
}
