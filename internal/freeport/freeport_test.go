package freeport

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

func portOf(t *testing.T, address string) uint16 {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(port)
}

// A port is given once, can be listened on again and again, and is free when its test has ended.
func TestPortIsGivenOnce(t *testing.T) {
	var port uint16
	t.Run("while it is held", func(t *testing.T) {
		address := On127(t)
		port = portOf(t, address)
		for range 2 {
			if _, release := take(port); release != nil {
				t.Fatal("given twice")
			}
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			_ = l.Close()
		}
	})
	_, release := take(port)
	if release == nil {
		t.Fatal("still held after the test")
	}
	release()
}

// A port that somebody listens on without having asked is not given.
func TestPortOfAListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, release := take(portOf(t, l.Addr().String())); release != nil {
		release()
		t.Error("given although somebody listens")
	}
}

// The kernel gives none of these ports to a connection.
func TestPortsLieBelowTheKernels(t *testing.T) {
	data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Skip(err)
	}
	low, err := strconv.Atoi(strings.Fields(string(data))[0])
	if err != nil {
		t.Fatal(err)
	}
	if low < end {
		t.Errorf("the kernel gives out ports from %d on, tests up to %d: sysctl net.ipv4.ip_local_port_range", low, end)
	}
}
