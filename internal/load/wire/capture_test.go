//go:build linux

package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// What is on the wire is what is measured: from the packet that carries a
// request to the one that carries its response, as tcpdump sees them. A capture
// knows nothing of this program, its clock or its scheduler.
func TestTruthCapture(t *testing.T) {
	truth(t)
	rate := &load.Schedule{Rate: 1500, Poisson: true, Seed: 9}
	for _, delay := range []string{"constant", "exponential"} {
		t.Run(delay, func(t *testing.T) {
			oneOf(t, func() (wrong string) {
				s := startTimed(t, delay)
				target, err := url.Parse(s.url)
				require.NoError(t, err)
				finish := capture(t, target.Port())
				m := measure(t, load.Spec{Exchanges: http1.Get(s.url), Connections: 300, Duration: 5 * time.Second, Schedule: rate, CPUs: generatorCPUs(t)})
				seen := finish()
				s.stop(t)
				require.Zero(t, m.Errors, m.FirstError)
				service, err := m.Service.Histogram()
				require.NoError(t, err)
				if seen.Count() < service.Count()*99/100 {
					return fmt.Sprintf("the capture has %d of %d exchanges; ", seen.Count(), service.Count())
				}
				for _, q := range []float64{0.5, 0.9, 0.99} {
					wrong += near(fmt.Sprintf("p%g", 100*q), service.Quantile(q), seen.Quantile(q), 0.01, 50*time.Microsecond)
				}
				t.Logf("p50 %v (%v on the wire), p90 %v (%v), p99 %v (%v), %d exchanges", service.Quantile(0.5), seen.Quantile(0.5),
					service.Quantile(0.9), seen.Quantile(0.9), service.Quantile(0.99), seen.Quantile(0.99), seen.Count())
				return wrong
			})
		})
	}
}

// capture starts tcpdump on a port of loopback. What it returns ends it and
// gives the times from request to response.
func capture(t *testing.T, port string) func() *record.Histogram {
	t.Helper()
	path, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed")
	}
	cmd := exec.CommandContext(t.Context(), path, "-i", "lo", "-s", "96", "-B", "65536", "--time-stamp-precision=nano", "-w", "-", "tcp port "+port)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	said, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil || !strings.Contains(line, "listening on") {
		_ = cmd.Wait()
		t.Skipf("tcpdump may not capture here: %s", line)
	}
	packets := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(out)
		packets <- all
	}()
	return func() *record.Histogram {
		time.Sleep(200 * time.Millisecond) // the kernel hands packets over in blocks
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		all := <-packets
		_ = cmd.Wait() // a filter that was interrupted may say so in its exit code
		seen, err := exchanges(all, port)
		require.NoError(t, err)
		return seen
	}
}

// exchanges reads a capture (libpcap's format, little endian, nanoseconds,
// Ethernet) and takes the time from each request to its response, which are one
// packet each.
func exchanges(pcap []byte, port string) (*record.Histogram, error) {
	const fileHeader, packetHeader, ethernet = 24, 16, 14
	if len(pcap) < fileHeader || binary.LittleEndian.Uint32(pcap) != 0xa1b23c4d || binary.LittleEndian.Uint32(pcap[20:]) != 1 {
		return nil, errors.New("not a capture of nanoseconds and Ethernet")
	}
	seen, asked := record.NewHistogram(), map[uint16]int64{}
	for pcap = pcap[fileHeader:]; len(pcap) >= packetHeader; {
		at := int64(binary.LittleEndian.Uint32(pcap))*int64(time.Second) + int64(binary.LittleEndian.Uint32(pcap[4:]))
		size := int(binary.LittleEndian.Uint32(pcap[8:]))
		if len(pcap) < packetHeader+size || size < ethernet+40 {
			return nil, errors.New("the capture is cut")
		}
		ip := pcap[packetHeader+ethernet : packetHeader+size]
		pcap = pcap[packetHeader+size:]
		tcp := ip[int(ip[0]&15)*4:]
		payload := int(binary.BigEndian.Uint16(ip[2:])) - int(ip[0]&15)*4 - int(tcp[12]>>4)*4
		from, to := binary.BigEndian.Uint16(tcp), binary.BigEndian.Uint16(tcp[2:])
		switch {
		case payload == 0:
		case fmt.Sprint(to) == port:
			asked[from] = at
		case asked[to] != 0:
			seen.Record(time.Duration(at - asked[to]))
			delete(asked, to)
		}
	}
	return seen, nil
}
