package host

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRefuse(t *testing.T) {
	l := Limits{OpenFiles: 1000, MostFiles: 5000, Ports: 800, Memory: 600 * connectionMemory, AddressSpace: 4 << 30, Processes: 100}
	for name, c := range map[string]struct {
		limits       func(*Limits)
		need         Need
		reason, hint string
	}{
		"all fits":              {nil, Need{OpenFiles: 1000, Ports: 800, Connections: 600}, "", ""},
		"open files":            {nil, Need{OpenFiles: 1001}, "takes 1001 open files, and 1000 are allowed", "ulimit -Hn 1001 && ulimit -n 1001, as root or in limits.conf, then run again"},
		"more than root may":    {nil, Need{OpenFiles: 5001}, "takes 5001 open files, and 1000 are allowed", "sysctl -w fs.nr_open=5001 && ulimit -Hn 5001 && ulimit -n 5001, as root or in limits.conf, then run again"},
		"ports":                 {nil, Need{Ports: 801}, "takes 801 ports of one address, and there are 800", "sysctl -w net.ipv4.ip_local_port_range='1024 65535', as root, then run again"},
		"more than an address":  {nil, Need{Ports: 64513}, "takes 64513 ports of one address, and there are 800", "use at most 64512 connections to one address"},
		"memory":                {nil, Need{Connections: 601}, "takes about 7.0 MiB of memory, and 7.0 MiB are available", "use at most 600 connections here"},
		"address space":         {func(l *Limits) { l.AddressSpace = 1 << 30 }, Need{}, "takes 2.0 GiB of address space, and 1.0 GiB are allowed", "ulimit -v unlimited"},
		"processes":             {func(l *Limits) { l.Processes = 20 }, Need{}, "takes up to 64 processes and threads, and 20 are allowed", "ulimit -u 4096"},
		"nothing known of this": {func(l *Limits) { *l = Limits{} }, Need{OpenFiles: 1 << 40, Ports: 1 << 40, Connections: 1 << 40}, "", ""},
	} {
		l := l
		if c.limits != nil {
			c.limits(&l)
		}
		reason, hint := l.Refuse(c.need)
		assert.Equal(t, c.reason, reason, name)
		assert.Equal(t, c.hint, hint, name)
	}
}

func TestLimitsHere(t *testing.T) {
	l, err := ReadLimits()
	require.NoError(t, err)
	assert.Positive(t, l.OpenFiles)
	reason, _ := l.Refuse(Need{OpenFiles: 1})
	assert.Empty(t, reason)
}
