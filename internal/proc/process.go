package proc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"hpfriends/api"
	"hpfriends/internal/datadir"
)

// Process is a server in a process of its own, which its owner drives from outside: through sockets and signals. Its
// methods may be called from any goroutine.
type Process struct {
	Dir string      // its data directory
	API *api.Client // as the operator, through the socket in Dir

	cmd   *exec.Cmd
	begun time.Time
	done  chan struct{} // closed when it has ended

	mu   sync.Mutex
	said bytes.Buffer // on standard error
}

// Command is how a server is started: Serve with "serve", its data directory and Flags behind it.
type Command struct {
	Program []string // empty: the program that is running. More words than one have another program start it
	Env     []string // in addition to the environment
	Flags   []string
	Stderr  io.Writer // where what it says also goes; nil: nowhere
	// Files are open in it, from descriptor 3 on.
	Files []*os.File
}

// Launch starts a server on dir, and does not wait until it is ready.
func Launch(dir string, c Command) (*Process, error) {
	if len(c.Program) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		c.Program = []string{self}
	}
	// What says where the last server listened must not be taken for this one's.
	if err := os.Remove(filepath.Join(dir, datadir.AddressesFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	args := append(append(c.Program[1:len(c.Program):len(c.Program)], "serve", "--data-dir", dir), c.Flags...)
	p := &Process{Dir: dir, API: api.Local(dir), begun: time.Now(), done: make(chan struct{})}
	p.cmd = exec.Command(c.Program[0], args...)
	p.cmd.Env = append(os.Environ(), c.Env...)
	p.cmd.Stderr, p.cmd.ExtraFiles = p, c.Files
	if c.Stderr != nil {
		p.cmd.Stderr = io.MultiWriter(p, c.Stderr)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { // ends with the process, for which Done, Stop and Kill wait
		_ = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Write takes what the server says on standard error.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

// Said returns what the server has said on standard error.
func (p *Process) Said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// Await waits until the server is ready, and returns where it listens.
func (p *Process) Await(ctx context.Context) (a datadir.Addresses, err error) {
	for {
		a, err = datadir.ReadAddresses(p.Dir)
		if !errors.Is(err, os.ErrNotExist) {
			return a, err
		}
		select {
		case <-p.done:
			return a, fmt.Errorf("the server ended before it was ready: %v: %s", p.cmd.ProcessState, p.Said())
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return a, fmt.Errorf("the server is not ready after %v: %w: %s",
				time.Since(p.begun).Round(time.Millisecond), context.Cause(ctx), p.Said())
		}
	}
}

// PID returns the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal. A process that has ended gets none.
func (p *Process) Signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// State waits for the end of the process, and returns how it ended.
func (p *Process) State() *os.ProcessState {
	<-p.done
	return p.cmd.ProcessState
}

// Kill ends the server as a crash would, and waits for it.
func (p *Process) Kill() {
	p.Signal(os.Kill)
	<-p.done
}

// Stop asks the server to stop, and waits for it.
func (p *Process) Stop() error {
	p.Signal(syscall.SIGTERM)
	if s := p.State(); !s.Success() {
		return fmt.Errorf("server: %v: %s", s, p.Said())
	}
	return nil
}

// Call sends a request that need not be one of package api's operations: tests ask for what is refused, too. The path
// begins with /api; in and out may be nil.
func (p *Process) Call(ctx context.Context, method, path, as string, in, out any) error {
	body, err := p.API.As(as).Do(ctx, method, path, in)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(body, out)
}
