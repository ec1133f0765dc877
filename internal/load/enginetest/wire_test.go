//go:build linux

package enginetest_test

import (
	"testing"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/wire"
)

func TestWire(t *testing.T) {
	testEngine(t, func() load.Engine { return wire.New() })
}
