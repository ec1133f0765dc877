// Package agent lets another machine take part in a run: start and meter its servers,
// or generate its load. Host is such a machine as the one that conducts the run sees it;
// Serve is the other end, which speaks over its standard input and output and ends all
// that it started when its input ends. Between the two is the user's own ssh.
package agent

import (
	"errors"
	"time"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/runners"
)

// greeting is the agent's first line: what a login script prints comes before it.
const greeting = "hellobench agent"

const (
	pingEvery = 5 * time.Second
	silence   = 30 * time.Second // after which the agent takes the other end for gone
)

// Reply is what a call gives, or why it gives nothing. An error of net/rpc would keep
// its text only.
type Reply[T any] struct {
	Value T        `json:"value"`
	Error *Failure `json:"error,omitempty"`
}

// Failure is an error with the kind that its receiver acts on.
type Failure struct {
	Message     string               `json:"message"`
	Fault       bool                 `json:"fault,omitempty"` // of the server: record.Fault
	Unavailable *runners.Unavailable `json:"unavailable,omitempty"`
}

// set takes what a call came to.
func (r *Reply[T]) set(value T, err error) error {
	r.Value = value
	if err == nil {
		return nil
	}
	r.Error = &Failure{Message: err.Error()}
	var fault record.Fault
	r.Error.Fault = errors.As(err, &fault)
	errors.As(err, &r.Error.Unavailable)
	return nil
}

func (f *Failure) err() error {
	switch {
	case f == nil:
		return nil
	case f.Unavailable != nil:
		return f.Unavailable
	case f.Fault:
		return record.Fault{Err: errors.New(f.Message)}
	}
	return errors.New(f.Message)
}

// Started is a server that answers.
type Started struct {
	ID      int           `json:"id"`
	Ports   []int         `json:"ports"`
	Startup time.Duration `json:"startup_ns"`
}

// About asks about a server that was started.
type About struct {
	ID     int    `json:"id"`
	Route  string `json:"route,omitempty"`  // to be verified
	Memory bool   `json:"memory,omitempty"` // is to be read
	Hurry  bool   `json:"hurry,omitempty"`  // the run has ended: it gets little time to stop
}

// Logs are what a server printed, by what is to be appended to the name of its log file.
type Logs map[string][]byte

// Window is load to be generated.
type Window struct {
	Engine string    `json:"engine"`
	Spec   load.Spec `json:"spec"`
}

// Hold asks for idle connections.
type Hold struct {
	Exchange http1.Exchange `json:"exchange"`
	N        int            `json:"n"`
	Timeout  time.Duration  `json:"timeout_ns"`
}

// None is no argument, or no result.
type None struct{}
