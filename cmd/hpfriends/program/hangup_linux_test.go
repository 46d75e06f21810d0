package program

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/datadir"
	"hpfriends/internal/feedtest"
)

// serving starts a server on a directory of its own, as prepare has it, which ends well at SIGTERM after the test.
func serving(t *testing.T, prepare func(*exec.Cmd), flags ...string) (p *os.Process, dir string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	c := exec.Command(self, append([]string{
		"serve", "--data-dir", dir, "--hpfeeds", "tcp:port=0:interface=127.0.0.1", "--http", "",
	}, flags...)...)
	c.Env = append(os.Environ(), asProgram+"=1")
	prepare(c)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("the server ends with %v", err)
		}
		if _, err := datadir.ReadAddresses(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the server did not end cleanly: its addresses are still there, %v", err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := datadir.ReadAddresses(dir); err == nil {
			return c.Process, dir
		}
		if time.Now().After(deadline) {
			t.Fatal("the server does not begin to serve")
		}
	}
}

// At SIGHUP a server takes the level of its log from its settings and says what waits for the next start. It goes on
// with what it has when the file is wrong.
func TestServerReadsItsSettingsAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log-level: error\n")
	var said screen
	p, _ := serving(t, func(c *exec.Cmd) { c.Stderr = &said }, "--config", file)
	if said.String() != "" {
		t.Errorf("at level error the server says %q", said.String())
	}
	for text, want := range map[string]string{
		"name: [": "the settings cannot be read again, the old ones stay",
		"log-level: debug\nname: two\nretention: 90d\n": `"settings":["name","retention"]`,
	} {
		write(text)
		_ = p.Signal(syscall.SIGHUP)
		said.await(t, want)
	}
	said.await(t, `"log-level":"debug"`)
}

// A server goes on when its terminal is closed, and when nobody reads its log any more.
func TestServerOutlivesItsTerminal(t *testing.T) {
	master, slave := terminalPair(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for name, on := range map[string]struct {
		gone    *os.File // is closed at the other end
		prepare func(*exec.Cmd)
	}{
		"terminal": {master, func(c *exec.Cmd) {
			c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		}},
		"pipe": {r, func(c *exec.Cmd) { c.Stdout, c.Stderr = w, w }},
	} {
		t.Run(name, func(t *testing.T) {
			p, dir := serving(t, on.prepare)
			on.gone.Close()
			for range 2 { // the kernel, and the shell
				_ = p.Signal(syscall.SIGHUP)
				time.Sleep(50 * time.Millisecond) // it tries to say that it has read its settings
			}
			if _, err := api.ShowStatus.Call(t.Context(), api.Local(dir), api.None{}); err != nil {
				t.Errorf("the server does not answer: %v", err)
			}
		})
	}
}

// terminalPair opens a terminal: what a window holds, and what the programs in it do.
func terminalPair(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// What runs for long ends at a hang-up as at SIGTERM, and not under nohup.
func TestHangUpEndsACommand(t *testing.T) {
	// Under nohup the tests ignore it, and so would what they start. What they catch is the default there.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	b := feedtest.StartEchoBroker(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	start := func(program ...string) (*exec.Cmd, *bytes.Buffer) {
		var msg bytes.Buffer
		c := exec.Command(program[0], append(program[1:], argsFor(b, "sub", "-c", "c")[1:]...)...)
		c.Env, c.Stderr = append(os.Environ(), asProgram+"=1"), &msg
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		b.AwaitSubscription(t)
		return c, &msg
	}
	c, msg := start(self)
	_ = c.Process.Signal(syscall.SIGHUP)
	if _ = c.Wait(); c.ProcessState.ExitCode() != cmdline.ExitInterrupted {
		t.Errorf("after SIGHUP: %v: %s", c.ProcessState, msg)
	}
	c, msg = start("sh", "-c", `trap "" HUP; exec "$0" "$@"`, self)
	_ = c.Process.Signal(syscall.SIGHUP)
	time.Sleep(100 * time.Millisecond)
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("under nohup it has ended: %v", err)
	}
	if _ = c.Wait(); c.ProcessState.ExitCode() != cmdline.ExitInterrupted {
		t.Errorf("after SIGTERM: %v: %s", c.ProcessState, msg)
	}
}
