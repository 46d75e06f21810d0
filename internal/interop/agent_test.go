//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// event is a line that an agent prints.
type event struct{ Ident, Channel, Payload, Error string }

// agent is a Python client in a process of its own.
type agent struct {
	t        *testing.T
	name     string
	ident    string
	in       io.WriteCloser
	events   chan event
	received []string // "CHANNEL IDENT PAYLOAD", without what came on the sync channel
	syncs    int
}

// start runs a script of testdata, subscribed to channels and to its own sync channel, and waits until it is.
func (s *server) start(script, ident string, channels ...string) *agent {
	s.t.Helper()
	return startAgent(s.t, script, s.endpoint, ident, channels...)
}

func startAgent(t *testing.T, script string, at endpoint, ident string, channels ...string) *agent {
	t.Helper()
	cmd := agentCommand(script, at, ident, channels...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &agent{t: t, name: script, ident: ident, in: in, events: make(chan event, 1000)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(a.events)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				e.Error = err.Error()
			}
			a.events <- e
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		<-read
		_ = cmd.Wait()
		timer.Stop()
		if t.Failed() {
			t.Logf("%s of %s: %s", script, ident, complaints.String())
		}
	})
	// The blocking client may have published the first one before it subscribed, so the first is repeated until it is
	// seen. Then all subscriptions have been sent, and the second one comes back after they have been handled.
	first := a.next()
	for deadline := time.Now().Add(patience); ; {
		a.publish("sync."+ident, first)
		if a.await(first, 50*time.Millisecond) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s of %s does not get its own message: %s", script, ident, complaints.String())
		}
	}
	a.sync()
	return a
}

// agentCommand is the command line of a script.
func agentCommand(script string, at endpoint, ident string, channels ...string) *exec.Cmd {
	args := append([]string{filepath.Join("testdata", script), at.host, at.port, ident, secretOf(ident), "sync." + ident},
		channels...)
	cmd := exec.Command(filepath.Join(venv, "bin", "python3"), args...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "AGENT_TLSCERT="+at.authority)
	return cmd
}

func (a *agent) command(c map[string]string) {
	a.t.Helper()
	line, err := json.Marshal(c)
	if err == nil {
		_, err = a.in.Write(append(line, '\n'))
	}
	if err != nil {
		a.t.Fatalf("%s of %s: %v", a.name, a.ident, err)
	}
}

func (a *agent) publish(channel, payload string) {
	a.t.Helper()
	a.command(map[string]string{"publish": channel, "payload": payload})
}

func (a *agent) next() string {
	a.syncs++
	return fmt.Sprintf("sync %d", a.syncs)
}

// sync publishes on the agent's own channel and waits until it is back: everything that was in the log before has been
// received by then.
func (a *agent) sync() {
	a.t.Helper()
	marker := a.next()
	a.publish("sync."+a.ident, marker)
	if !a.await(marker, patience) {
		a.t.Fatalf("%s of %s: %q did not come back", a.name, a.ident, marker)
	}
}

// await collects what comes until marker does.
func (a *agent) await(marker string, limit time.Duration) bool {
	a.t.Helper()
	timeout := time.After(limit)
	for {
		select {
		case e, ok := <-a.events:
			if !ok || e.Error != "" {
				a.t.Fatalf("%s of %s ended: %s", a.name, a.ident, e.Error)
			}
			payload, err := hex.DecodeString(e.Payload)
			if err != nil {
				a.t.Fatal(err)
			}
			if e.Channel != "sync."+a.ident {
				a.received = append(a.received, e.Channel+" "+e.Ident+" "+string(payload))
			} else if string(payload) == marker {
				return true
			}
		case <-timeout:
			return false
		}
	}
}
