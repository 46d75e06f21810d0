//go:build interop

package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hpfriends/internal/freeport"
	"hpfriends/wire"
)

// sensorEnvironment returns the virtual environment of a honeypot. Where it cannot be installed the test is skipped,
// but for CI.
func sensorEnvironment(t *testing.T, requirements ...string) string {
	t.Helper()
	dir, err := environment(filepath.Join(root, ".cache"), requirements)
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("%s cannot be installed here: %v", requirements[0], err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// runSensor starts a honeypot in a directory, until the test ends, and returns the lines that it prints.
func runSensor(t *testing.T, dir, name string, args ...string) <-chan string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "HOME="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 10_000)
	var said []string
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			said = append(said, s.Text())
			select {
			case lines <- s.Text():
			default:
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		<-read
		_ = cmd.Wait()
		timer.Stop()
		if t.Failed() {
			t.Log(strings.Join(said, "\n"))
		}
	})
	return lines
}

// awaitLine returns what matches in the first line that does.
func awaitLine(t *testing.T, lines <-chan string, expression string) []string {
	t.Helper()
	re := regexp.MustCompile(expression)
	for timeout := time.After(patience); ; {
		select {
		case line, ok := <-lines:
			if m := re.FindStringSubmatch(line); m != nil {
				return m
			}
			if !ok {
				t.Fatalf("the sensor ended and has not said %q", expression)
			}
		case <-timeout:
			t.Fatalf("the sensor does not say %q", expression)
		}
	}
}

// fromSensor has alice own a sensor that publishes on a channel, and bob receive it: the payloads, in order.
func (s *server) fromSensor(ident, channel string, sub ...string) <-chan []byte {
	s.t.Helper()
	s.authkey("alice", ident, []string{channel}, sub)
	s.authkey("bob", "reader", nil, []string{channel})
	s.cli(0, "share", "accept", s.share(channel, "alice", "bob", "own"), "--as", "bob")
	return readSensor(s.t, s.host, s.port, ident, channel)
}

// readSensor logs in to a broker as reader: the payloads that ident publishes on a channel, in order.
func readSensor(t *testing.T, host, port, ident, channel string) <-chan []byte {
	t.Helper()
	conn, err := wire.Dial(context.Background(), wire.DialConfig{
		Addr: net.JoinHostPort(host, port), Ident: "reader", Secret: []byte(secretOf("reader")),
	})
	if err == nil {
		err = conn.Subscribe(channel)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	payloads := make(chan []byte, 100)
	go func() {
		for {
			frame, err := conn.ReadFrame()
			if err != nil {
				return
			}
			if publisher, on, payload, err := wire.ParsePublish(frame); err == nil && string(publisher) == ident &&
				string(on) == channel {
				payloads <- slices.Clone(payload)
			}
		}
	}()
	return payloads
}

// TestCowriePublishesASession runs cowrie with its own plugin, and breaks in.
func TestCowriePublishesASession(t *testing.T) {
	s := serve(t)
	cowrieSession(t, s.host, s.port, s.fromSensor("cowrie", "cowrie.sessions"))
}

// cowrieSession runs cowrie with a broker until the session of somebody who broke in has come.
func cowrieSession(t *testing.T, host, port string, payloads <-chan []byte) {
	t.Helper()
	env := sensorEnvironment(t, "cowrie==3.1.4", "hpfeeds==3.1.0")
	dir := t.TempDir()
	for _, name := range []string{"etc", "log", "tty", "state", "downloads"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	settings := fmt.Sprintf(`[honeypot]
log_path = log
ttylog_path = tty
state_path = state
download_path = downloads
[ssh]
listen_endpoints = tcp:0:interface=127.0.0.1
[output_jsonlog]
enabled = false
[output_hpfeeds3]
enabled = true
server = %s
port = %s
identifier = cowrie
secret = %s
`, host, port, secretOf("cowrie"))
	if err := os.WriteFile(filepath.Join(dir, "etc", "cowrie.cfg"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "runcowrie.py"))
	if err != nil {
		t.Fatal(err)
	}
	lines := runSensor(t, dir, filepath.Join(env, "bin", "python3"), script)
	address := net.JoinHostPort("127.0.0.1", awaitLine(t, lines, `CowrieSSHFactory starting on (\d+)`)[1])
	// What happens before the plugin is connected is lost: it keeps nothing.
	for deadline := time.Now().Add(patience); ; {
		breakIn(t, address)
		select {
		case payload := <-payloads:
			var session struct {
				PeerIP, Protocol string
				LoggedIn         []string
				Commands         []string
			}
			if err := json.Unmarshal(payload, &session); err != nil {
				t.Fatal(err)
			}
			if session.PeerIP != "127.0.0.1" || session.Protocol != "ssh" ||
				!slices.Equal(session.LoggedIn, []string{"root", "hunter2"}) ||
				!slices.Equal(session.Commands, []string{"uname -a"}) {
				t.Errorf("session %s", payload)
			}
			return
		case <-time.After(time.Second):
		}
		if time.Now().After(deadline) {
			t.Fatal("no session comes")
		}
	}
}

// breakIn logs in to a honeypot, which takes any password, and runs a command.
func breakIn(t *testing.T, address string) {
	t.Helper()
	client, err := ssh.Dial("tcp", address, &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.Password("hunter2")}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		Timeout: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	_ = session.Run("uname -a") // cowrie may close before it answers; what counts is what it publishes
}

// TestOpenCanaryPublishes runs OpenCanary with its own handler. This hands the client a map object as its channels,
// which is used up by the first event, so no later one is published on any broker.
func TestOpenCanaryPublishes(t *testing.T) {
	env := sensorEnvironment(t, "opencanary==0.9.10", "hpfeeds==3.0.0")
	s := serve(t)
	const channel = "opencanary.events"
	payloads := s.fromSensor("canary", channel, channel)
	dir := t.TempDir()
	web := freeport.On127(t)
	_, port, _ := net.SplitHostPort(web)
	settings := fmt.Sprintf(`{"device.node_id": "canary-1", "device.listen_addr": "127.0.0.1", "ip.ignorelist": [],
"http.enabled": true, "http.banner": "Apache", "http.port": %s, "http.skin": "basicLogin",
"logger": {"class": "PyLogger", "kwargs": {"formatters": {"plain": {"format": "%%(message)s"}}, "handlers": {
"hpfeeds": {"class": "opencanary.logger.HpfeedsHandler", "host": "%s", "port": %s, "ident": "canary", "secret": "%s",
"channels": ["%s"]}}}}}`,
		port, s.host, s.port, secretOf("canary"), channel)
	if err := os.WriteFile(filepath.Join(dir, ".opencanary.conf"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	runSensor(t, dir, filepath.Join(env, "bin", "twistd"), "--nodaemon", "--pidfile=", "--python",
		filepath.Join(env, "bin", "opencanary.tac"))
	select {
	case payload := <-payloads:
		var event struct {
			NodeID  string `json:"node_id"`
			LogType int    `json:"logtype"`
		}
		if err := json.Unmarshal(payload, &event); err != nil || event.NodeID != "canary-1" || event.LogType == 0 {
			t.Errorf("event %s: %v", payload, err)
		}
	case <-time.After(patience):
		t.Fatal("no event comes")
	}
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err = http.PostForm("http://"+web+"/index.html", url.Values{"username": {"admin"}}); err == nil {
			return // the sensor is up, and did not fall over its broker
		}
	}
	t.Fatal(err)
}
