package wire

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

func bindToDevice(c syscall.RawConn, device string) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), device) }); cerr != nil {
		return cerr
	}
	if err != nil {
		return fmt.Errorf("bind to device %s: %w", device, err)
	}
	return nil
}

// tcpClose is the kernel's TCP_CLOSE.
const tcpClose = 7

// askTCP asks the kernel how a connection stands. The unsent bytes of the queue (SIOCOUTQ) would not do: a reset
// empties the queue, as if all of it had been acknowledged.
func askTCP(c syscall.RawConn) (s tcpState, ok bool) {
	_ = c.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		s, ok = tcpState{acked: info.Bytes_acked, closed: info.State == tcpClose}, true
	})
	return s, ok
}

// pendingError takes the error of a socket that no call has met yet.
func pendingError(c syscall.RawConn) (errno syscall.Errno) {
	_ = c.Control(func(fd uintptr) {
		if n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); err == nil {
			errno = syscall.Errno(n)
		}
	})
	return errno
}

// unsentBytes bounds what the kernel holds of a connection and has not sent: a peer that does not read would else pin
// megabytes there. What is on its way is not bounded by it, so it costs no throughput.
const unsentBytes = 128 << 10

func boundUnsent(c syscall.RawConn) {
	_ = c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	})
}
