package program

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"hpfriends/internal/proc"
)

// A server tells systemd when it is ready, that it lives, and that it stops: sd_notify(3).
func TestSupervisorIsTold(t *testing.T) {
	socket := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"}
	l, err := net.ListenUnixgram("unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	said := make(chan string)
	go func() {
		defer close(said)
		for b := make([]byte, 4096); ; {
			n, err := l.Read(b)
			if err != nil {
				return
			}
			select {
			case said <- string(b[:n]):
			case <-t.Context().Done():
				return
			}
		}
	}()
	next := func() string {
		t.Helper()
		select {
		case told := <-said:
			return told
		case <-time.After(20 * time.Second):
			t.Fatal("nothing is told")
			return ""
		}
	}
	s, err := proc.Start(t.Context(), t.TempDir(), []string{
		asProgram + "=1", "NOTIFY_SOCKET=" + socket.Name, "WATCHDOG_USEC=300000",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	ready, alive := 0, 0
	for ready < 1 || alive < 5 {
		switch told := next(); told {
		case "READY=1":
			ready++
		case "WATCHDOG=1":
			alive++
		default:
			t.Fatalf("told %q", told)
		}
	}
	s.Signal(syscall.SIGTERM)
	told := next()
	for told == "WATCHDOG=1" {
		told = next()
	}
	if told != "STOPPING=1" {
		t.Errorf("told %q at the end", told)
	}
}
