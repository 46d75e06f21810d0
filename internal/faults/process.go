package faults

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hpfriends/api"
)

// Node is one server, whether it runs or not. It is driven from outside: by signals, sockets and its local API. Its
// methods may be called from any goroutine, but faults to one node come from one.
type Node struct {
	ID    string
	Dir   string
	t     testing.TB
	flags []string    // of every start
	port  string      // of hpfeeds: the same at every start, so that clients find it again
	netns string      // the network namespace it lives in; empty: ours
	api   *api.Client // over the local socket, as the operator

	absent atomic.Bool // not a member yet, or not any more

	mu   sync.Mutex
	cmd  *exec.Cmd // nil: it does not run
	done chan struct{}
	said bytes.Buffer // on standard error; guarded by mu
}

// Write takes what the process says.
func (n *Node) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.said.Write(p)
}

// Address is where the node serves hpfeeds.
func (n *Node) Address() string { return n.port }

// Running is whether the process is there; it may be stopped or not ready.
func (n *Node) Running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cmd != nil
}

// pid is 0 when the node does not run.
func (n *Node) pid() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return 0
	}
	return n.cmd.Process.Pid
}

const addressesFile = "addresses.json" // in the data directory while the server is ready

// Launch starts the process and does not wait until it is ready. extra are flags for this start.
func (n *Node) Launch(extra ...string) {
	n.t.Helper()
	binary, err := program()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(n.Dir, addressesFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		n.t.Fatal(err)
	}
	args := append([]string{"serve", "--data-dir", n.Dir, "--node-id", n.ID, "--hpfeeds", "tcp:port=" + portOf(n.port) +
		":interface=127.0.0.1",
		"--http", "", "--log-level", "info"}, n.flags...)
	args = append(args, extra...)
	if n.netns != "" { // ip replaces itself with the program
		binary, args = "ip", append([]string{"netns", "exec", n.netns, binary}, args...)
	}
	cmd := exec.Command(binary, args...)
	cmd.Stderr = n
	fmt.Fprintf(n, "--- %s starts %v\n", time.Now().UTC().Format("15:04:05.000"), extra)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	done := make(chan struct{})
	n.cmd, n.done = cmd, done
	go func() { // ends with the process
		_ = cmd.Wait()
		close(done)
	}()
}

// Await waits until the node is ready.
func (n *Node) Await(limit time.Duration) {
	n.t.Helper()
	begin := time.Now()
	for {
		if _, err := os.Stat(filepath.Join(n.Dir, addressesFile)); err == nil {
			return
		}
		n.mu.Lock()
		done := n.done
		n.mu.Unlock()
		select {
		case <-done:
			n.t.Fatalf("%s ended before it was ready: %s", n.ID, n.Tail())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(begin) > limit {
			n.t.Fatalf("%s is not ready after %v: %s", n.ID, limit, n.Tail())
		}
	}
}

// Start starts the process and waits until it is ready.
func (n *Node) Start(extra ...string) {
	n.t.Helper()
	n.Launch(extra...)
	n.Await(20 * time.Second)
}

// Kill ends the process as a crash would.
func (n *Node) Kill() { n.end(syscall.SIGKILL) }

// Stop ends the process in good order.
func (n *Node) Stop() {
	n.t.Helper()
	if state := n.end(syscall.SIGTERM); state != nil && !state.Success() {
		n.t.Errorf("%s: %v: %s", n.ID, state, n.Tail())
	}
}

// end sends a signal and waits for the end. It is nil when the process was not there.
func (n *Node) end(s os.Signal) *os.ProcessState {
	n.mu.Lock()
	cmd, done := n.cmd, n.done
	n.mu.Unlock()
	if cmd == nil {
		return nil
	}
	_ = cmd.Process.Signal(s)
	<-done
	n.mu.Lock()
	n.cmd = nil
	n.mu.Unlock()
	fmt.Fprintf(n, "--- %s ended: %v\n", time.Now().UTC().Format("15:04:05.000"), cmd.ProcessState)
	return cmd.ProcessState
}

// AwaitEnd waits until the process has ended by itself.
func (n *Node) AwaitEnd(limit time.Duration) *os.ProcessState {
	n.t.Helper()
	n.mu.Lock()
	cmd, done := n.cmd, n.done
	n.mu.Unlock()
	select {
	case <-done:
	case <-time.After(limit):
		n.t.Fatalf("%s still runs after %v: %s", n.ID, limit, n.Tail())
	}
	n.mu.Lock()
	n.cmd = nil
	n.mu.Unlock()
	fmt.Fprintf(n, "--- %s ended by itself: %v\n", time.Now().UTC().Format("15:04:05.000"), cmd.ProcessState)
	return cmd.ProcessState
}

// Pause stops the process where it is; Resume lets it go on.
func (n *Node) Pause() { n.signal(syscall.SIGSTOP) }

// Resume is the end of Pause.
func (n *Node) Resume() { n.signal(syscall.SIGCONT) }

func (n *Node) signal(s os.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil {
		_ = n.cmd.Process.Signal(s)
	}
}

// Tail is the end of what the node has said.
func (n *Node) Tail() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.said.Bytes()
	return string(all[max(0, len(all)-4000):])
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
