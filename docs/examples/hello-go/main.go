// Hello-go is the example of docs/adding-a-server.md: a server for hellobench
// in one file, which needs nothing but Go itself.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"strconv"
)

const greeting = "Hello World! Welcome to Go"

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "`address` to listen on")
	flag.Parse()
	// A pattern with GET answers HEAD too and refuses other methods with 405.
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		send(w, "text/plain", greeting)
	})
	http.HandleFunc("GET /json", func(w http.ResponseWriter, _ *http.Request) {
		send(w, "application/json", `{"message":"`+greeting+`"}`)
	})
	http.HandleFunc("GET /cpu", cpu)
	// No log line for a request: no server here writes one. SIGTERM needs no
	// handler: Go's own ends the process at once.
	log.Fatal(http.ListenAndServe(*listen, nil))
}

// cpu counts the primes under n by trial division, as every server here does.
func cpu(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.ParseUint(r.FormValue("n"), 10, 64)
	if err != nil || n < 1 || n > 10_000_000 {
		http.Error(w, "n must be an integer in 1..10000000", http.StatusBadRequest)
		return
	}
	count := 0
	for i := uint64(2); i < n; i++ {
		if prime(i) {
			count++
		}
	}
	send(w, "text/plain", strconv.Itoa(count))
}

func prime(i uint64) bool {
	for d := uint64(2); d*d <= i; d++ {
		if i%d == 0 {
			return false
		}
	}
	return true
}

// send answers with a whole body; net/http adds its Content-Length.
func send(w http.ResponseWriter, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	_, _ = fmt.Fprint(w, body) // fails only where the client has gone
}
