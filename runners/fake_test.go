package runners

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The test binary plays the servers that nobody would keep in a fixture:
// slow, silent, wrong, unkillable. Which one is said by HELLOBENCH_FAKE.
func TestMain(m *testing.M) {
	kind := os.Getenv("HELLOBENCH_FAKE")
	switch {
	case len(os.Args) > 1 && os.Args[1] == "guard":
		os.Exit(GuardMain(os.Args[2:]))
	case kind != "":
		fake(kind)
	default:
		os.Exit(m.Run())
	}
}

// GuardOfTests leads to GuardMain.
var GuardOfTests = []string{os.Args[0], "guard"}

func shell(script string) {
	if exec.CommandContext(context.Background(), "sh", "-c", script).Run() != nil {
		os.Exit(1)
	}
}

func fake(kind string) {
	addr := net.JoinHostPort("127.0.0.1", os.Getenv("PORT"))
	body := "fake"
	switch kind {
	case "exits":
		fmt.Println("loading")
		fmt.Println("Error: cannot \x1b[31mload module")
		os.Exit(7)
	case "silent":
		time.Sleep(time.Hour)
	case "slow":
		time.Sleep(700 * time.Millisecond)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
	case "wrong":
		body = "other"
	case "own":
		body = addr
	case "error":
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) })
	case "api":
		var n atomic.Int64
		http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		http.HandleFunc("POST /items", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Key") != "1" || r.URL.RawQuery != "a=1" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			sent, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprintf(w, `{"n":%d,"of":%q}`, 1000+n.Add(1)%1000, sent)
		})
		http.HandleFunc("/none", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "any")
		})
	case "random":
		n := 0
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { n++; _, _ = fmt.Fprintf(w, "answer %d", n) })
	case "family": // a child in the same group, one that leaves it, and a daemon that forked twice
		shell("sleep 3600 & setsid sleep 3600 & (setsid sleep 3600 &)")
	case "hydra": // a daemon that starts itself anew all the time, and ignores what it can
		shell(`(setsid sh -c 'trap "" TERM INT HUP; live() { sleep 0.02; live & exit; }; live' &)`)
	case "worker": // a daemon that works for a while and ends: its time is the server's
		shell("(setsid sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done' &)")
	case "careless": // a child that works and ends, and that nobody waits for
		child := exec.CommandContext(context.Background(), "sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done")
		if child.Start() != nil {
			os.Exit(1)
		}
	case "chatty":
		for i := range 1_000_000 {
			fmt.Printf("line %d %s\n", i, strings.Repeat("x", 40))
		}
	case "busy":
		go func() {
			for time.Since(time.Unix(0, 0)) > 0 {
			}
		}()
	}
	if kind != "error" && kind != "random" && kind != "api" {
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, body) })
	}
	fmt.Println(http.ListenAndServe(addr, nil))
	os.Exit(1)
}
