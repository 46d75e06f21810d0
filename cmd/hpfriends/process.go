package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server in a process of its own, which its owner drives from outside: through sockets and signals.
type process struct {
	dir     string
	cmd     *exec.Cmd
	log     bytes.Buffer
	address string        // hpfeeds
	started time.Duration // from exec until it was ready
	admin   *http.Client  // over the local socket
}

// startProcess starts this program as a server on dir and waits until it is ready. env is added to the environment.
func startProcess(ctx context.Context, dir string, env []string, flags ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{dir: dir}
	args := append([]string{"serve", "--data-dir", dir, "--hpfeeds", "tcp:port=0:interface=127.0.0.1", "--http", "", "--log-level", "warn"}, flags...)
	p.cmd = exec.CommandContext(ctx, self, args...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = &p.log
	if err := os.Remove(filepath.Join(dir, addressesFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.await(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	p.started = time.Since(begin)
	p.admin = socketClient(filepath.Join(dir, socketName))
	return p, nil
}

// await waits for the file that says where the server listens; it is written when it is ready.
func (p *process) await(ctx context.Context) error {
	for range 2000 {
		data, err := os.ReadFile(filepath.Join(p.dir, addressesFile))
		if err == nil {
			var a addresses
			if err := json.Unmarshal(data, &a); err != nil || len(a.Hpfeeds) == 0 {
				return fmt.Errorf("%s says %q: %w", addressesFile, data, err)
			}
			p.address = a.Hpfeeds[0]
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("the server is not ready after 10 s: %s", p.log.String())
}

// stop asks the server to stop and waits for it.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("server: %w: %s", err, p.log.String())
	}
	return nil
}

// rss is the server's resident memory in bytes.
func (p *process) rss() (float64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("the resident memory of a process is read from /proc: %w", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	line, _, _ := strings.Cut(rest, "\n")
	kib, err := strconv.ParseFloat(strings.Fields(line)[0], 64)
	return kib * 1024, err
}

// cpu is the processor time that the server has taken.
func (p *process) cpu() (time.Duration, error) {
	own, _, err := processorTime(strconv.Itoa(p.cmd.Process.Pid))
	return own, err
}

// call asks the API for a change as user, or as the operator when it is empty.
func (p *process) call(ctx context.Context, method, path, as string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://hpfriends"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if as != "" {
		req.Header.Set("X-Hpfriends-As", as)
	}
	res, err := p.admin.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		var problem bytes.Buffer
		_, _ = problem.ReadFrom(res.Body)
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, problem.String())
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}
