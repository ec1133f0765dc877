package http1

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const usual = "User-Agent: hellobench\r\nAccept: */*\r\n"

func TestRequestBytes(t *testing.T) {
	for target, want := range map[string]string{
		"http://127.0.0.1:8080":                "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n" + usual,
		"http://localhost/a/b%20c?x=1&y=%2F":   "GET /a/b%20c?x=1&y=%2F HTTP/1.1\r\nHost: localhost\r\n" + usual,
		"http://localhost:/#part":              "GET / HTTP/1.1\r\nHost: localhost\r\n" + usual,
		"http://h/a b/ü\"?q=a b&ü=100%&z=%7c|": "GET /a%20b/%C3%BC%22?q=a%20b&%C3%BC=100%25&z=%7c%7C HTTP/1.1\r\nHost: h\r\n" + usual,
		"http://h/100%":                        "GET /100%25 HTTP/1.1\r\nHost: h\r\n" + usual,
		"http://h/%zz/%2?%2F%2x":               "GET /%25zz/%252?%2F%252x HTTP/1.1\r\nHost: h\r\n" + usual,
		"http://h/'a'|[b]^`{c}\\?'a'[b]":       "GET /'a'%7C[b]%5E%60%7Bc%7D%5C?'a'[b] HTTP/1.1\r\nHost: h\r\n" + usual,
		"http://h?q=ü b#c d":                   "GET /?q=%C3%BC%20b HTTP/1.1\r\nHost: h\r\n" + usual,
		"http://h/%C3%BC?%":                    "GET /%C3%BC?%25 HTTP/1.1\r\nHost: h\r\n" + usual,
		"http://h?":                            "GET /? HTTP/1.1\r\nHost: h\r\n" + usual,
		"http://h//x/../y":                     "GET //x/../y HTTP/1.1\r\nHost: h\r\n" + usual,
		"http://[fe80::1%25eth0]:8080/":        "GET / HTTP/1.1\r\nHost: [fe80::1]:8080\r\n" + usual,
		"http://[fe80::1%eth0]:8080/%":         "GET /%25 HTTP/1.1\r\nHost: [fe80::1]:8080\r\n" + usual,
		"http://[::1]/":                        "GET / HTTP/1.1\r\nHost: [::1]\r\n" + usual,
		"http://us%40er:se%3Acret@h/":          "GET / HTTP/1.1\r\nHost: h\r\n" + usual + "Authorization: Basic dXNAZXI6c2U6Y3JldA==\r\n",
		"http://token@h/":                      "GET / HTTP/1.1\r\nHost: h\r\n" + usual + "Authorization: Basic dG9rZW46\r\n",
	} {
		for _, closes := range []bool{false, true} {
			r, err := NewRequest(&Exchange{URL: target}, closes)
			require.NoError(t, err, target)
			end := "\r\n"
			if closes {
				end = "Connection: close\r\n\r\n"
			}
			assert.Equal(t, want+end, string(r.Bytes()), target)
			var b bytes.Buffer
			require.NoError(t, r.HTTP(t.Context()).Write(&b))
			assert.Equal(t, want+end, b.String(), "as net/http writes it: %s", target)
		}
	}
}

func TestRequestAddress(t *testing.T) {
	for target, want := range map[string]string{
		"http://h/": "h:80", "https://h/": "h:443", "http://h:/": "h:80", "http://[::1]:81/": "[::1]:81",
		"http://[fe80::1%25lo]/": "[fe80::1%lo]:80", "http://u:p@h:1/": "h:1",
	} {
		r, err := NewRequest(&Exchange{URL: target}, false)
		require.NoError(t, err, target)
		assert.Equal(t, want, r.HostPort(), target)
	}
}

func TestRequestRefuses(t *testing.T) {
	for target, want := range map[string]string{
		"":                          "the scheme must be http or https",
		"127.0.0.1:8080":            "want http://HOST:PORT/PATH",
		"ftp://h/":                  "the scheme must be http or https",
		"http:///x":                 "no host",
		"http://h:port/":            "invalid port",
		"http://h:99999/":           "a port is a number from 1 to 65535",
		"http://h:0/":               "a port is a number from 1 to 65535",
		"http://h/?a\x7fb":          "invalid control character",
		"http://h/a\nb":             "invalid control character",
		"http://müller.example/":    "xn--",
		"http://u:secret@h:port/":   "want http://HOST:PORT/PATH",
		"http://u:secret@/":         "no host",
		"ftp://u:secret@h/":         "the scheme must be http or https",
		"http://u:se%cret@h/":       "want http://HOST:PORT/PATH",
		"http://u:secret/1@h/x":     "want http://HOST:PORT/PATH",
		"http://u:secret@müller.x/": "xn--",
	} {
		_, err := NewRequest(&Exchange{URL: target}, false)
		require.ErrorContains(t, err, want, target)
		assert.NotContains(t, err.Error(), "secret")
		assert.NotContains(t, err.Error(), "\n")
	}
}

func TestMask(t *testing.T) {
	for target, want := range map[string]string{
		"http://u:secret@h:1/x?q=a@b": "http://xxxxx@h:1/x?q=a@b",
		"http://secret@h":             "http://xxxxx@h",
		"http://u:s@cret@h/":          "http://xxxxx@h/",
		"http://h/@x":                 "http://h/@x",
		"http://h/?a=b@c":             "http://h/?a=b@c",
		"http://u:secret@h:port/":     "http://xxxxx@h:port/",
		"u:secret@h":                  "xxxxx@h",
		"":                            "",
		"nothing":                     "nothing",
	} {
		assert.Equal(t, want, Mask(target))
	}
}

func FuzzRequest(f *testing.F) {
	f.Add("http://u:p@h:1/a b?q=ü%#x")
	f.Fuzz(func(t *testing.T, target string) {
		r, err := NewRequest(&Exchange{URL: target}, false)
		if err != nil {
			assert.NotContains(t, err.Error(), "\n")
			return
		}
		head := string(r.Bytes())
		lines := strings.Split(head, "\r\n")
		assert.Len(t, strings.Split(lines[0], " "), 3, "%q", lines[0])
		assert.NotContains(t, strings.ReplaceAll(head, "\r\n", ""), "\n")
		again, err := NewRequest(&Exchange{URL: r.URL()}, false)
		if assert.NoError(t, err, "%q", r.URL()) {
			assert.Equal(t, strings.Split(string(again.Bytes()), "\r\n")[0], lines[0], "escaped once")
		}
	})
}
