//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// requirements is what the virtual environment of the clients holds. The versions are part of its name, so a change
// makes a new one.
var requirements = []string{"hpfeeds[broker]==3.1.0", "twisted[tls]", "schemathesis==4.32.5"}

var (
	root      string // of the repository
	hpfriends string // the program under test
	venv      string // the virtual environment
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "interop")
	if err == nil {
		defer os.RemoveAll(dir)
		err = prepare(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		return 1
	}
	return m.Run()
}

func prepare(dir string) (err error) {
	if root, err = filepath.Abs(filepath.Join("..", "..")); err != nil {
		return err
	}
	if venv, err = environment(filepath.Join(root, ".cache"), requirements); err != nil {
		return err
	}
	if err := haveTshark(); err != nil {
		return err
	}
	hpfriends = filepath.Join(dir, "hpfriends")
	build := exec.Command("go", "build", "-o", hpfriends, "./cmd/hpfriends")
	build.Dir = root
	return verbose(build)
}

// environment returns a virtual environment, which it makes the first time. It is complete when a file in it says so.
func environment(cache string, requirements []string) (string, error) {
	name := filepath.Join(cache, "venv-"+strings.NewReplacer("==", "-").Replace(strings.Join(requirements, "-")))
	if _, err := os.Stat(filepath.Join(name, "complete")); err == nil {
		return name, nil
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return "", errors.New("python3 is not installed; it is needed with its venv module")
	}
	if err := errors.Join(os.RemoveAll(name), os.MkdirAll(cache, 0o755)); err != nil {
		return "", err
	}
	if err := verbose(exec.Command(python, "-m", "venv", name)); err != nil {
		return "", err
	}
	install := append([]string{"install", "--quiet", "--disable-pip-version-check"}, requirements...)
	if err := verbose(exec.Command(filepath.Join(name, "bin", "pip"), install...)); err != nil {
		return "", err
	}
	return name, os.WriteFile(filepath.Join(name, "complete"), nil, 0o644)
}

func haveTshark() error {
	if _, err := exec.LookPath("tshark"); err == nil {
		return nil
	}
	if os.Geteuid() != 0 {
		return errors.New("tshark is not installed, and only root can install it: apt-get install tshark")
	}
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "tshark"}} {
		apt := exec.Command("apt-get", args...)
		apt.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if err := verbose(apt); err != nil {
			return fmt.Errorf("tshark is not installed, and cannot be: %w", err)
		}
	}
	return nil
}

// verbose runs a command and has its output in the error.
func verbose(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// server is a running `hpfriends serve`.
type server struct {
	t   *testing.T
	dir string
	endpoint
}

// endpoint is where a broker speaks hpfeeds.
type endpoint struct {
	host, port string
	authority  string // PEM file of who has signed its certificate; empty: no TLS
}

// patience bounds everything that is waited for.
const patience = 20 * time.Second

// serve starts a server on an empty directory and stops it with the test.
func serve(t *testing.T) *server {
	t.Helper()
	return serveOn(t, "tcp:port=0:interface=127.0.0.1")
}

// serveOn starts one with another endpoint for hpfeeds.
func serveOn(t *testing.T, listen string) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "hp") // short: the path of a Unix socket is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	var log bytes.Buffer
	cmd := exec.Command(hpfriends, "serve", "--data-dir", dir, "--hpfeeds", listen, "--http", "127.0.0.1:0",
		"--name", "interop")
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-exited:
			if err != nil {
				t.Errorf("server: %v\n%s", err, log.String())
			}
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			t.Errorf("the server does not stop\n%s", log.String())
		}
	})
	var addresses struct{ Hpfeeds []string }
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		data, err := os.ReadFile(filepath.Join(dir, "addresses.json"))
		if err == nil && json.Unmarshal(data, &addresses) == nil && len(addresses.Hpfeeds) == 1 {
			break
		}
		if time.Now().After(deadline) || len(exited) > 0 {
			t.Fatal("the server does not start")
		}
	}
	host, port, _ := strings.Cut(addresses.Hpfeeds[0], ":")
	return &server{t: t, dir: dir, endpoint: endpoint{host: host, port: port}}
}

// result is what a program did.
type result struct {
	stdout, stderr string
	code           int
}

// execute runs a program to its end.
func execute(t *testing.T, name string, args ...string) result {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1", "COLUMNS=80")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", name, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// cli runs a command of hpfriends on the server, and is at an end unless it exits with want.
func (s *server) cli(want int, args ...string) string {
	s.t.Helper()
	r := execute(s.t, hpfriends, append([]string{"--data-dir", s.dir}, args...)...)
	if r.code != want {
		s.t.Fatalf("hpfriends %s: exit %d, want %d\n%s%s", strings.Join(args, " "), r.code, want, r.stdout, r.stderr)
	}
	return r.stdout
}

// authkey makes a user, if there is none of that name, with an authkey of which the secret is "secret of IDENT".
func (s *server) authkey(user, ident string, pub, sub []string) {
	s.t.Helper()
	execute(s.t, hpfriends, "--data-dir", s.dir, "user", "add", user)
	file := filepath.Join(s.dir, "secret")
	if err := os.WriteFile(file, []byte(secretOf(ident)+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	args := []string{"authkey", "add", "--as", user, "--ident", ident, "--secret-file", file, "--json"}
	for _, p := range pub {
		args = append(args, "--pub", p)
	}
	for _, p := range sub {
		args = append(args, "--sub", p)
	}
	var made struct{ Ident, Secret string }
	if err := json.Unmarshal([]byte(s.cli(0, args...)), &made); err != nil || made.Ident != ident ||
		made.Secret != secretOf(ident) {
		s.t.Fatalf("authkey add answered %+v, %v", made, err)
	}
}

func secretOf(ident string) string { return "secret of " + ident }

// share shares a channel and returns the share's number.
func (s *server) share(channel, from, to, kind string) string {
	s.t.Helper()
	var made struct{ ID json.Number }
	out := s.cli(0, "share", "add", channel, "--as", from, "--to", to, "--type", kind, "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.ID == "" {
		s.t.Fatalf("share add answered %q: %v", out, err)
	}
	return made.ID.String()
}
