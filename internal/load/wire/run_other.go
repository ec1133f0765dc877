//go:build !linux

package wire

import (
	"context"
	"fmt"
	"runtime"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

func (e *Engine) run(context.Context, load.Spec, []target, []http1.Expectation) (*record.Measurement, error) {
	return nil, fmt.Errorf("on %s: %w", runtime.GOOS, load.ErrUnsupported)
}
