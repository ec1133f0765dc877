package wire

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
)

// target is a server, and what it is asked in turn.
type target struct {
	addr   netip.AddrPort
	socket string // a Unix socket in the place of addr
	asks   []ask
}

// ask is one request of a target.
type ask struct {
	bytes []byte
	want  int // which of the window's expectations
}

// probeTimeout is how long one of a name's addresses may take to be told from
// the others by connecting to it.
const probeTimeout = time.Second

// newTargets sorts the exchanges by their servers. Those of the same expectation share
// one, and with it the last correct response that others are compared with.
func newTargets(ctx context.Context, spec *load.Spec) (targets []target, wants []http1.Expectation, err error) {
	known := map[string]int{} // targets by address
	for i := range spec.Exchanges {
		r, err := http1.NewRequest(&spec.Exchanges[i], spec.Close)
		if err != nil {
			return nil, nil, err
		}
		if r.Scheme() != "http" {
			return nil, nil, fmt.Errorf("%s: %w", r.Scheme(), load.ErrUnsupported)
		}
		key := cmp.Or(spec.Socket, r.HostPort())
		at, found := known[key]
		if !found {
			to := target{socket: spec.Socket}
			if to.socket == "" {
				host, port := r.Address()
				if to.addr, err = resolve(ctx, host, port); err != nil {
					return nil, nil, err
				}
			}
			at, known[key] = len(targets), len(targets)
			targets = append(targets, to)
		}
		want := slices.IndexFunc(wants, func(w http1.Expectation) bool { return w.Equal(&r.Want) })
		if want < 0 {
			want, wants = len(wants), append(wants, r.Want)
		}
		targets[at].asks = append(targets[at].asks, ask{r.Bytes(), want})
	}
	return targets, wants, nil
}

// resolve looks a host up once. Of several addresses it takes the first that
// a connection can be opened to, or the first if there is none.
func resolve(ctx context.Context, host, port string) (netip.AddrPort, error) {
	p, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("target port: %w", err)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("target host: %w", err)
	}
	at := func(ip netip.Addr) netip.AddrPort { return netip.AddrPortFrom(ip.Unmap(), uint16(p)) }
	if len(ips) > 1 {
		d := net.Dialer{Timeout: probeTimeout}
		for _, ip := range ips {
			if c, err := d.DialContext(ctx, "tcp", at(ip).String()); err == nil {
				_ = c.Close()
				return at(ip), nil
			}
		}
	}
	return at(ips[0]), nil
}

// blockSize is how many connections share a local address: far less than the
// 28,000 ports that an address has by default, so that the kernel finds a
// free one at once even while older ones are in TIME_WAIT.
const blockSize = 4096

// sourceBlocks is how many local addresses are used in turn: at 100,000 new
// connections a second an address rests for 167 s, TIME_WAIT lasts 60.
const sourceBlocks = 4096

// sources gives out local addresses for connections to 127.0.0.0/8, all of
// which is one machine. The first block of connections has no address of its
// own, so that small windows look like those of any other client.
type sources struct{ opened atomic.Uint64 }

// next is the local address for one more connection; not valid: any.
func (s *sources) next(to netip.Addr) netip.Addr {
	if !to.Is4() || !to.IsLoopback() {
		return netip.Addr{}
	}
	block := (s.opened.Add(1) - 1) / blockSize % sourceBlocks
	if block == 0 {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte{127, 1, byte(block >> 8), byte(block)})
}
