// Package sock is the little of Linux that an event loop needs: non-blocking
// sockets, edge-triggered epoll, and a clock tick, all by raw system calls.
//
// Raw means that the Go scheduler does not learn of the call: the calling
// goroutine keeps its processor, no other thread is woken, and a call costs
// what the kernel costs. That is safe for calls that do not sleep, and for
// waits that something ends soon: every Poller has a tick for that purpose.
// The package refuses to hide anything: there are no buffers, no deadlines
// and no retries here. On other systems it is empty.
package sock
