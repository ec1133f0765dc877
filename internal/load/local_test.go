package load_test

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
)

// TestCheckLocal: what leads to this machine is accepted, whatever it is called.
func TestCheckLocal(t *testing.T) {
	here := []string{"127.0.0.1", "127.9.8.7", "localhost", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:0.0.0.0]", "[0:0:0:0:0:0:0:1]"}
	addrs, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range addrs {
		ip, _, err := net.ParseCIDR(a.String())
		require.NoError(t, err)
		name := ip.String()
		if strings.Contains(name, ":") {
			name = "[" + name + "]"
		}
		here = append(here, name)
	}
	for _, host := range here {
		assert.NoError(t, load.CheckLocal(t.Context(), "http://"+host+":8080/"))
	}
	for _, host := range []string{"192.0.2.1", "[2001:db8::1]", "[::ffff:192.0.2.1]", "255.255.255.255", "128.0.0.1"} {
		err := load.CheckLocal(t.Context(), "http://"+host+":8080/")
		assert.ErrorContains(t, err, "is not on this machine: loading somebody else's server needs --allow-remote", host)
	}
}
