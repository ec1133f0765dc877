package http1

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// What every request says of its sender. A server that insists on either
// header (some answer 403 without) does so before any load, too.
const (
	UserAgent = "hellobench"
	Accept    = "*/*"
)

// Request is one GET, the same bytes whoever sends it. It does not change, and
// may be used by many goroutines.
type Request struct {
	url    *url.URL // escaped, without userinfo and fragment
	host   string   // the Host header: without zone
	header http.Header
}

// NewRequest reads a target, http[s]://[USER:PASSWORD@]HOST[:PORT][/PATH][?QUERY].
// Userinfo becomes an Authorization header. Whatever of the path and the query
// may not go over the wire as it is, is escaped, and what is escaped already
// stays; closes asks the server to end the connection after its response.
// The error names the target without its userinfo.
func NewRequest(target string, closes bool) (*Request, error) {
	u, err := url.Parse(escape(target))
	switch {
	case err != nil && strings.Contains(target, "@"): // the reason may quote a password
		return nil, fmt.Errorf("target URL %q: want http://HOST:PORT/PATH", Mask(target))
	case err != nil:
		return nil, fmt.Errorf("target URL %q: %w; want http://HOST:PORT/PATH", target, reason(err))
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("target URL %q: the scheme must be http or https, as in http://127.0.0.1:8080/", Mask(target))
	case u.Hostname() == "":
		return nil, fmt.Errorf("target URL %q: no host", Mask(target))
	case !ascii(u.Host):
		return nil, fmt.Errorf("target URL %q: write a host name with other letters than a-z as xn--..., or its address", Mask(target))
	}
	header := http.Header{"User-Agent": {UserAgent}, "Accept": {Accept}}
	if u.User != nil {
		password, _ := u.User.Password()
		header["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))}
	}
	if closes {
		header["Connection"] = []string{"close"}
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	u.Host = strings.TrimSuffix(u.Host, ":")
	return &Request{url: u, host: withoutZone(u.Host), header: header}, nil
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

// escape escapes the bytes of a target's path and query that RFC 3986 has no
// place for, and leaves what is escaped already. net/url refuses a lone % in a
// path, and keeps a query as it was written: a blank would end the target.
// Control characters stay, for net/url to refuse.
func escape(target string) string {
	_, rest, ok := strings.Cut(target, "://")
	begin := strings.IndexAny(rest, "/?#")
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
		Method: http.MethodGet, URL: r.url, Host: r.host, Header: r.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	return q.WithContext(ctx)
}

// Bytes is the request as it is sent, in net/http's order of the headers.
func (r *Request) Bytes() []byte {
	var b strings.Builder
	b.WriteString("GET " + r.url.RequestURI() + " HTTP/1.1\r\nHost: " + r.host + "\r\n")
	for _, name := range []string{"User-Agent", "Accept", "Authorization", "Connection"} {
		for _, value := range r.header[name] {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	b.WriteString("\r\n")
	return []byte(b.String())
}
