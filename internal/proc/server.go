package proc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hpfriends/api"
	"hpfriends/internal/datadir"
)

// Process is a server in a process of its own, which its owner drives from outside: through sockets and signals.
type Process struct {
	Dir     string
	Cmd     *exec.Cmd
	Log     bytes.Buffer
	Address string        // hpfeeds
	Started time.Duration // from exec until it was ready
	API     *api.Client   // over the local socket, as the operator
}

// Start starts this program as a server on dir and waits until it is ready. env is added to the environment.
func Start(ctx context.Context, dir string, env []string, flags ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &Process{Dir: dir}
	args := append([]string{"serve", "--data-dir", dir, "--hpfeeds", "tcp:port=0:interface=127.0.0.1",
		"--http", "", "--log-level", "warn"}, flags...)
	p.Cmd = exec.CommandContext(ctx, self, args...)
	p.Cmd.Cancel = func() error { return p.Cmd.Process.Signal(syscall.SIGTERM) }
	p.Cmd.Env = append(os.Environ(), env...)
	p.Cmd.Stderr = &p.Log
	if err := os.Remove(filepath.Join(dir, datadir.AddressesFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	begin := time.Now()
	if err := p.Cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.Await(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	p.Started = time.Since(begin)
	p.API = api.Local(dir)
	return p, nil
}

// Await waits for the file that says where the server listens; it is written when it is ready.
func (p *Process) Await(ctx context.Context) error {
	for range 2000 {
		data, err := os.ReadFile(filepath.Join(p.Dir, datadir.AddressesFile))
		if err == nil {
			var a datadir.Addresses
			if err := json.Unmarshal(data, &a); err != nil || len(a.Hpfeeds) == 0 {
				return fmt.Errorf("%s says %q: %w", datadir.AddressesFile, data, err)
			}
			p.Address = a.Hpfeeds[0]
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("the server is not ready after 10 s: %s", p.Log.String())
}

// Stop asks the server to stop and waits for it.
func (p *Process) Stop() error {
	_ = p.Cmd.Process.Signal(syscall.SIGTERM)
	if err := p.Cmd.Wait(); err != nil {
		return fmt.Errorf("server: %w: %s", err, p.Log.String())
	}
	return nil
}

// Kill ends the server as a crash would, and waits for it.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill()
	_ = p.Cmd.Wait()
}

// RSS is the server's resident memory in bytes.
func (p *Process) RSS() (float64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.Cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("the resident memory of a process is read from /proc: %w", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	line, _, _ := strings.Cut(rest, "\n")
	kib, err := strconv.ParseFloat(strings.Fields(line)[0], 64)
	return kib * 1024, err
}

// CPU is the processor time that the server has taken.
func (p *Process) CPU() (time.Duration, error) {
	own, _, err := processorTime(strconv.Itoa(p.Cmd.Process.Pid))
	return own, err
}
