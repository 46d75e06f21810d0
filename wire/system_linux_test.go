package wire

import (
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSocketOptions(t *testing.T) {
	f := start(t, Config{})
	p := f.login("alice")
	p.wantOpen()
	raw, err := f.hub.conns()[0].session.conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []struct {
		name                string
		level, option, want int
	}{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 10},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
	} {
		err := raw.Control(func(fd uintptr) {
			if got, err := unix.GetsockoptInt(int(fd), o.level, o.option); got != o.want || err != nil {
				t.Errorf("%s is %d (%v), want %d", o.name, got, err, o.want)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestBindToDevice(t *testing.T) {
	l, err := Endpoint{Interface: "127.0.0.1", Device: "lo"}.Listen(t.Context())
	if err != nil {
		t.Skipf("not permitted here: %v", err)
	}
	l.Close()
	if _, err := (Endpoint{Interface: "127.0.0.1", Device: "no-such-device"}).Listen(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "no-such-device") {
		t.Errorf("binding to a device that does not exist: %v", err)
	}
}
