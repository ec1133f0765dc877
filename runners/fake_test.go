package runners

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// The test binary plays the servers that nobody would keep in a fixture:
// slow, silent, wrong, unkillable. Which one is said by HELLOBENCH_FAKE.
func TestMain(m *testing.M) {
	switch os.Getenv("HELLOBENCH_FAKE") {
	case "":
		os.Exit(m.Run())
	case "guard":
		GuardMain(os.Stdin)
	default:
		fake(os.Getenv("HELLOBENCH_FAKE"))
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
	case "random":
		n := 0
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { n++; _, _ = fmt.Fprintf(w, "answer %d", n) })
	case "family": // a child in the same group, and one that leaves it
		child := exec.CommandContext(context.Background(), "sleep", "3600")
		away := exec.CommandContext(context.Background(), "sleep", "3600")
		away.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if child.Start() != nil || away.Start() != nil {
			os.Exit(1)
		}
	case "busy":
		go func() {
			for time.Since(time.Unix(0, 0)) > 0 {
			}
		}()
	}
	if kind != "error" && kind != "random" {
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, body) })
	}
	fmt.Println(http.ListenAndServe(addr, nil))
	os.Exit(1)
}
