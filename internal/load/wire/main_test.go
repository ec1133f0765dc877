package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/null"
)

// The test binary plays other roles when this variable names one: a server in
// its own process, or the generator alone, whose CPU time can then be told
// from the rest.
const roleVariable = "HELLOBENCH_WIRE_ROLE"

var roles = map[string]func(args []string) error{"null": playNull, "load": playLoad}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// playNull serves until its standard input ends: null ADDR CPUS.
func playNull(args []string) error {
	cpus, err := parseCPUs(args[1])
	if err != nil {
		return err
	}
	s, err := null.Start(context.Background(), null.Options{Addr: args[0], CPUs: cpus})
	if err != nil {
		return err
	}
	fmt.Println(strings.Trim(strings.TrimPrefix(s.URL(), "http:"), "/"))
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// playLoad runs one window and prints its measurement: load URL CONNECTIONS
// RATE SECONDS CPUS [close].
func playLoad(args []string) error {
	spec := load.Spec{Exchanges: http1.Get(args[0]), Close: len(args) > 5}
	var err error
	if spec.Connections, err = strconv.Atoi(args[1]); err != nil {
		return err
	}
	rate, err := strconv.ParseFloat(args[2], 64)
	if err != nil {
		return err
	}
	if rate > 0 {
		spec.Schedule = &load.Schedule{Rate: rate, Poisson: true, Seed: 1}
	}
	seconds, err := strconv.ParseFloat(args[3], 64)
	if err != nil {
		return err
	}
	spec.Duration = time.Duration(seconds * float64(time.Second))
	if spec.CPUs, err = parseCPUs(args[4]); err != nil {
		return err
	}
	m, err := New().Run(context.Background(), spec)
	if err != nil {
		return err
	}
	m.Latency.HDR = ""
	if m.Slip != nil {
		m.Slip.HDR, m.Service.HDR = "", ""
	}
	m.Bins = nil
	return json.NewEncoder(os.Stdout).Encode(m)
}

// parseCPUs reads "0,1"; "-" is none.
func parseCPUs(s string) (cpus []int, err error) {
	if s == "-" {
		return nil, nil
	}
	for _, f := range strings.Split(s, ",") {
		n, err := strconv.Atoi(f)
		if err != nil {
			return nil, err
		}
		cpus = append(cpus, n)
	}
	return cpus, nil
}
