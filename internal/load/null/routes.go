package null

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// mostN is the largest n of /cpu, as in the servers that are measured.
const mostN = 10_000_000

// answer is what a route says.
type answer struct {
	status string
	kind   string // content type
	body   string
}

var (
	hello = answer{"200 OK", "text/plain", Body} // to what is no route
	bad   = answer{"400 Bad Request", "text/plain", ""}

	// plain is the response that nearly all requests get, complete.
	plain = hello.response(request{keep: true})
)

// route answers a request.
func route(target string) answer {
	path, query, _ := strings.Cut(target, "?")
	switch path {
	case "/cpu":
		return cpu(query)
	case "/__runtime":
		return itself()
	}
	return hello
}

func cpu(query string) answer {
	values, err := url.ParseQuery(query)
	text := values.Get("n")
	n, wrong := strconv.ParseUint(text, 10, 32)
	if err != nil || wrong != nil || n < 1 || n > mostN || len(text) > 8 {
		return answer{"400 Bad Request", "text/plain", fmt.Sprintf("n must be an integer in 1..%d\n", mostN)}
	}
	return answer{"200 OK", "text/plain", strconv.Itoa(primesBelow(int(n)))}
}

// primesBelow counts the primes under n by trial division, in the same loop as
// the servers that are measured. It is slow on purpose.
func primesBelow(n int) (count int) {
	for i := 2; i < n; i++ {
		prime := true
		for d := 2; d*d <= i; d++ {
			if i%d == 0 {
				prime = false
				break
			}
		}
		if prime {
			count++
		}
	}
	return count
}

// itself is what the measured servers say of themselves, too.
func itself() answer {
	report := map[string]any{
		"implementation": "Go", "version": strings.TrimPrefix(runtime.Version(), "go"),
		"threads": nil, "workers": 1, "jit": false, "gil": nil, "server": "null", "packages": map[string]string{},
	}
	if tasks, err := os.ReadDir("/proc/self/task"); err == nil {
		report["threads"] = len(tasks)
	}
	body, err := json.Marshal(report)
	if err != nil {
		panic(err) // a map of plain values
	}
	return answer{"200 OK", "application/json", string(body)}
}

// response frames the answer to a request. HTTP/1.0 clients that ask to keep the
// connection are told that it is kept.
func (a answer) response(q request) []byte {
	connection, body := "", a.body
	switch {
	case !q.keep || q.bad:
		connection = "Connection: close\r\n"
	case q.old:
		connection = "Connection: keep-alive\r\n"
	}
	if q.head {
		body = ""
	}
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s", a.status, a.kind, len(a.body), connection, body)
}
