package enginetest_test

import (
	"testing"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/vegeta"
)

func TestVegeta(t *testing.T) {
	testEngine(t, func() load.Engine { return vegeta.New(vegeta.Options{}) })
}
