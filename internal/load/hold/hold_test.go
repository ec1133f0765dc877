package hold_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load/hold"
	"github.com/hellobench/hellobench/internal/load/null"
)

func TestOpen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := null.Start(ctx, null.Options{Addr: "127.0.0.1:0"})
	require.NoError(t, err)
	c, err := hold.Open(t.Context(), &http1.Exchange{URL: s.URL()}, 400, time.Second)
	require.NoError(t, err)
	assert.Equal(t, 400, c.Open())
	assert.Equal(t, 400, c.Open(), "counting does not end them")
	cancel()
	require.NoError(t, s.Wait())
	assert.Eventually(t, func() bool { return c.Open() == 0 }, 2*time.Second, 10*time.Millisecond)
	c.Close()
}

// TestServersThatEndThem: one that closes after the answer, one that refuses
// the page, and one that is not there.
func TestServersThatEndThem(t *testing.T) {
	closes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }))
	defer closes.Close()
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	for _, url := range []string{closes.URL, missing.URL, "http://127.0.0.1:1"} {
		c, err := hold.Open(t.Context(), &http1.Exchange{URL: url + "/"}, 5, time.Second)
		require.NoError(t, err)
		assert.Eventually(t, func() bool { return c.Open() == 0 }, 2*time.Second, 10*time.Millisecond, url)
		c.Close()
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := hold.Open(ctx, &http1.Exchange{URL: "http://127.0.0.1:1/"}, 5, time.Second)
	assert.ErrorIs(t, err, context.Canceled)
}
