//go:build !linux

package wire

import (
	"errors"
	"syscall"
)

func bindToDevice(syscall.RawConn, string) error {
	return errors.New("binding to a device is possible on Linux only")
}

func fileLimit() int { return fallbackConns }
