package faults

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/internal/proc"
)

// Node is one server, whether it runs or not. It is driven from outside: by signals, sockets and its local API. Its
// methods may be called from any goroutine, but faults to one node come from one.
type Node struct {
	ID      string
	Dir     string
	t       testing.TB
	flags   []string    // of every start
	port    string      // of hpfeeds: the same at every start, so that clients find it again
	program string      // another than this one, for its next starts
	netns   string      // the network namespace it lives in; empty: ours
	api     *api.Client // as the operator

	absent atomic.Bool // not a member yet, or not any more

	mu   sync.Mutex
	runs *proc.Process // nil: it does not run
	said bytes.Buffer  // on standard error, of all its processes; guarded by mu
}

// newNode returns one that has not been started. Its flags and its port are still to be set.
func newNode(t testing.TB, id, dir string) *Node {
	return &Node{ID: id, Dir: dir, api: api.Local(dir), t: t}
}

// Write takes what the process says.
func (n *Node) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.said.Write(p)
}

// Address is where the node serves hpfeeds.
func (n *Node) Address() string { return n.port }

// process is nil when the node does not run.
func (n *Node) process() *proc.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.runs
}

// Running reports whether the process is there; it may be stopped or not ready.
func (n *Node) Running() bool { return n.process() != nil }

// pid is 0 when the node does not run.
func (n *Node) pid() int {
	if p := n.process(); p != nil {
		return p.PID()
	}
	return 0
}

// Launch starts the process and does not wait until it is ready. extra are flags for this start.
func (n *Node) Launch(extra ...string) {
	n.t.Helper()
	binary := n.program
	if binary == "" {
		var err error
		if binary, err = proc.Build(); err != nil {
			n.t.Fatal(err)
		}
	}
	command := proc.Command{Program: []string{binary}, Stderr: n, Flags: append(append([]string{
		"--node-id", n.ID, "--hpfeeds", "tcp:port=" + portOf(n.port) + ":interface=127.0.0.1", "--http", "",
		"--log-level", "info",
	}, n.flags...), extra...)}
	if n.netns != "" { // ip replaces itself with the program
		command.Program = []string{"ip", "netns", "exec", n.netns, binary}
	}
	fmt.Fprintf(n, "--- %s starts %v\n", time.Now().UTC().Format("15:04:05.000"), extra)
	p, err := proc.Launch(n.Dir, command)
	if err != nil {
		n.t.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.runs = p
}

// Await waits until the node is ready.
func (n *Node) Await(limit time.Duration) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err := n.process().Await(ctx); err != nil {
		n.t.Fatalf("%s: %v", n.ID, err)
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
	p := n.process()
	if p == nil {
		return nil
	}
	p.Signal(s)
	return n.ended(p, "ended")
}

// ended waits for the end.
func (n *Node) ended(p *proc.Process, how string) *os.ProcessState {
	state := p.State()
	n.mu.Lock()
	n.runs = nil
	n.mu.Unlock()
	fmt.Fprintf(n, "--- %s %s: %v\n", time.Now().UTC().Format("15:04:05.000"), how, state)
	return state
}

// AwaitEnd waits until the process has ended by itself.
func (n *Node) AwaitEnd(limit time.Duration) *os.ProcessState {
	n.t.Helper()
	p := n.process()
	select {
	case <-p.Done():
	case <-time.After(limit):
		n.t.Fatalf("%s still runs after %v: %s", n.ID, limit, n.Tail())
	}
	return n.ended(p, "ended by itself")
}

// Pause stops the process where it is; Resume lets it go on.
func (n *Node) Pause() { n.signal(syscall.SIGSTOP) }

// Resume is the end of Pause.
func (n *Node) Resume() { n.signal(syscall.SIGCONT) }

func (n *Node) signal(s os.Signal) {
	if p := n.process(); p != nil {
		p.Signal(s)
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
