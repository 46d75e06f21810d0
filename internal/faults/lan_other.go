//go:build !linux

package faults

import "testing"

// LAN is a network by the kernel; here there is none.
type LAN struct{}

// FormLAN skips the test, and says so.
func FormLAN(t testing.TB, _ int) *Cluster {
	t.Helper()
	t.Skip("NOT TESTED: network namespaces are Linux's")
	return nil
}

// Unplug is never called.
func (l *LAN) Unplug(*Node) {}

// Heal is never called.
func (l *LAN) Heal() {}

func within(_ string, f func() error) error { return f() }
