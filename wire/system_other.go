//go:build !linux

package wire

import (
	"errors"
	"syscall"
)

func bindToDevice(syscall.RawConn, string) error {
	return errors.New("binding to a device is possible on Linux only")
}

// askTCP cannot ask here: a durable subscription then never advances by itself.
func askTCP(syscall.RawConn) (tcpState, bool) { return tcpState{}, false }

func pendingError(syscall.RawConn) syscall.Errno { return 0 }

func boundUnsent(syscall.RawConn) {}
