package program

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpfriends/backup"
	"hpfriends/eventlog/block"
	"hpfriends/internal/proc"
	"hpfriends/raftfsm/report"
	"hpfriends/wire"
)

// planted is what a server was given that it must not say again: name to value.
type planted map[string]string

// in returns the names of what a text has, in clear or as the encodings in which it could slip through.
func (p planted) in(text string) (found []string) {
	for name, value := range p {
		for _, form := range []string{
			value, hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value)),
			base64.RawURLEncoding.EncodeToString([]byte(value)), url.QueryEscape(value),
		} {
			if strings.Contains(text, form) {
				found = append(found, name)
				break
			}
		}
	}
	return found
}

// without leaves some out.
func (p planted) without(names ...string) planted {
	left := planted{}
	for name, value := range p {
		left[name] = value
	}
	for _, name := range names {
		delete(left, name)
	}
	return left
}

// Secrets and payloads are given to a server in each way there is, well and badly, at log level debug. Then everything
// is searched for them that a server writes: its log, bundles, metrics, audit, Logs, backups, and its data directory.
func TestPlantedSecretsAreWrittenNowhere(t *testing.T) {
	t.Parallel()
	s := startPlanted(t)
	s.useEverything()
	s.refuseEverything()
	for name, text := range s.written() {
		secrets := s.secrets
		if strings.HasPrefix(name, "store ") { // messages are kept there, the operator's; secrets are not
			secrets = secrets.without("payload", "refused payload", "setup link")
		}
		if name == "log" { // it is the only way to the first admin, once
			secrets = secrets.without("setup link")
		}
		if found := secrets.in(text); len(found) > 0 {
			t.Errorf("%s has: %s", name, strings.Join(found, ", "))
		}
	}
}

// plantedServer is a server that is given secrets.
type plantedServer struct {
	*testing.T
	dir, work string
	log       screen
	http      string
	hpfeeds   string
	secrets   planted
}

func startPlanted(t *testing.T) *plantedServer {
	t.Helper()
	s := &plantedServer{T: t, work: t.TempDir(), secrets: planted{}}
	s.dir = filepath.Join(s.work, "data")
	cert, key := selfSigned(t, "localhost")
	keyText, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	s.secrets["TLS key"] = strings.Split(string(keyText), "\n")[1]
	p, err := proc.Launch(s.dir, proc.Command{Env: []string{asProgram + "=1"}, Stderr: &s.log, Flags: []string{
		"--hpfeeds", "tcp:port=0:interface=127.0.0.1", "--hpfeeds", "tls:port=0:interface=127.0.0.1", "--tls-cert", cert,
		"--tls-key", key, "--http", "tcp:port=0:interface=127.0.0.1", "--log-level", "debug", "--log-format", "json",
		"--cluster", "127.0.0.1:0", "--bootstrap", "--node-id", "n1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	where, err := p.Await(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.http, s.hpfeeds = "http://"+where.HTTP, where.Hpfeeds[0]
	dataKey, err := os.ReadFile(filepath.Join(s.dir, "data.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.secrets["data key"] = string(dataKey)
	_, link, ok := strings.Cut(s.log.String(), "setup?token=")
	if !ok {
		t.Fatalf("there is no link for the first admin: %s", s.log.String())
	}
	s.secrets["setup link"], _, _ = strings.Cut(link, `"`)
	return s
}

// plant makes up a secret, and a file with it.
func (s *plantedServer) plant(name string) (value, file string) {
	s.Helper()
	value = "pl4nted-" + strings.ReplaceAll(name, " ", "-") + "-7f3a91"
	s.secrets[name] = value
	file = filepath.Join(s.work, strings.ReplaceAll(name, " ", "-"))
	if err := os.WriteFile(file, []byte(value+"\n"), 0o600); err != nil {
		s.Fatal(err)
	}
	return value, file
}

// cli runs the program, and returns what it prints.
func (s *plantedServer) cli(args ...string) string {
	s.Helper()
	var out, errs bytes.Buffer
	args = append(append([]string{"hpfriends"}, args...), "--data-dir", s.dir)
	if code := run(s.Context(), args, &out, &errs); code != 0 {
		s.Fatalf("%v: exit %d: %s", args, code, errs.String())
	}
	return out.String()
}

// useEverything gives secrets as people do.
func (s *plantedServer) useEverything() {
	s.Helper()
	password, file := s.plant("password")
	s.cli("user", "add", "ada", "--password-file", file, "--role", "admin")
	secret, file := s.plant("authkey secret")
	s.cli("authkey", "add", "--as", "ada", "--ident", "canary", "--secret-file", file, "--pub", "*", "--sub", "*")
	made := strings.TrimSpace(s.cli("token", "add", "--as", "ada", "--scope", "manage", "--json"))
	s.secrets["API token"] = between(s.T, made, `"token": "`, `"`)
	s.secrets["invitation"] = between(s.T, s.cli("user", "invite", "--as", "ada", "--json"), `"secret": "`, `"`)
	s.secrets["join token"] = strings.TrimSpace(s.cli("cluster", "token", "create"))
	s.ask("GET", "/api/v1/users", "Bearer "+s.secrets["API token"], nil)
	s.secrets["login"] = basic("ada", password)
	s.ask("GET", "/api/v1/users", s.secrets["login"], nil)
	jar, _ := cookiejar.New(nil)
	c := &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := c.PostForm(s.http+"/login", url.Values{"user": {"ada"}, "password": {password}})
	if err != nil {
		s.Fatal(err)
	}
	_ = res.Body.Close()
	where, _ := url.Parse(s.http)
	for _, cookie := range jar.Cookies(where) {
		s.secrets["cookie "+cookie.Name] = cookie.Value
	}
	if len(jar.Cookies(where)) == 0 {
		s.Fatalf("no session: %s", res.Status)
	}
	payload, _ := s.plant("payload")
	sub := s.login(secret)
	if err := sub.Subscribe("c"); err != nil {
		s.Fatal(err)
	}
	if err := s.login(secret).Publish("c", []byte(payload)); err != nil {
		s.Fatal(err)
	}
	_ = sub.SetReadDeadline(time.Now().Add(10 * time.Second))
	if frame, err := sub.ReadFrame(); err != nil || !bytes.Contains(frame, []byte(payload)) {
		s.Fatalf("got %q, %v", frame, err)
	}
}

func (s *plantedServer) login(secret string) *wire.ClientConn {
	s.Helper()
	c, err := wire.Dial(s.Context(), wire.DialConfig{Addr: s.hpfeeds, Ident: "canary", Secret: []byte(secret)})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close() })
	return c
}

// refuseEverything gives secrets in the wrong places: what is refused is what gets into logs.
func (s *plantedServer) refuseEverything() {
	s.Helper()
	wrong, _ := s.plant("wrong password")
	s.secrets["wrong login"] = basic("ada", wrong)
	s.ask("GET", "/api/v1/users", s.secrets["wrong login"], nil)
	res, err := http.PostForm(s.http+"/login", url.Values{"user": {"ada"}, "password": {wrong}})
	if err == nil {
		_ = res.Body.Close()
	}
	bad, _ := s.plant("wrong token")
	s.ask("GET", "/api/v1/users", "Bearer "+bad, nil)
	inQuery, _ := s.plant("token in a query")
	s.ask("GET", "/api/v1/users?token="+inQuery, "", nil)
	inLink, _ := s.plant("invitation that is none")
	s.ask("GET", "/invite/"+inLink, "", nil)
	inBody, _ := s.plant("password in a bad body")
	s.ask("POST", "/api/v1/users", "Bearer "+s.secrets["API token"],
		strings.NewReader(`{"handle": 7, "password": "`+inBody+`"}`))
	refused, _ := s.plant("refused payload")
	_, file := s.plant("secret of another")
	s.cli("authkey", "add", "--as", "ada", "--ident", "narrow", "--secret-file", file, "--pub", "c", "--sub", "c")
	c, err := wire.Dial(s.Context(), wire.DialConfig{
		Addr: s.hpfeeds, Ident: "narrow", Secret: []byte(s.secrets["secret of another"]),
	})
	if err != nil {
		s.Fatal(err)
	}
	defer c.Close()
	if err := c.Publish("elsewhere", []byte(refused)); err != nil {
		s.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if frame, err := c.ReadFrame(); err != nil {
		s.Fatalf("a PUBLISH without right: %q, %v", frame, err)
	}
	// A frame that cannot be, with a payload in it.
	_, _ = c.Write(append([]byte{0, 0, 0, 99, 9}, refused...))
	for err == nil { // until it is closed
		_, err = c.ReadFrame()
	}
}

// ask sends a request, and does not care for the answer.
func (s *plantedServer) ask(method, path, authorization string, body io.Reader) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.http+path, body)
	if err != nil {
		s.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	_ = res.Body.Close()
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, before)
	value, _, ends := strings.Cut(rest, after)
	if !ok || !ends || value == "" {
		t.Fatalf("no %s in %s", before, text)
	}
	return value
}

// written is all that a server writes, by what it is. Each has something in it that shows that the search would find
// what is there.
func (s *plantedServer) written() map[string]string {
	s.Helper()
	for end := time.Now().Add(3 * report.Every); len(s.cli("log", "ls", "--json")) < 10 && time.Now().Before(end); {
		time.Sleep(report.Every / 20) // what was refused is on its way
	}
	bundle := filepath.Join(s.work, "bundle.tar.gz")
	s.cli("debug", "bundle", bundle)
	all := s.unpack(bundle)
	for name, has := range map[string]string{
		"version.txt": "hpfriends", "settings.txt": "log-level", "doctor.txt": "data key", "status.json": `"ready": true`,
		"retention.json": "clock", "cluster.json": "n1", "metrics.txt": `ident="canary"`, "goroutines.txt": "goroutine ",
		"heap.pb.gz": "hpfriends/", "log.txt": "narrow", "README": "names and addresses",
	} {
		if text := all["bundle "+name]; !strings.Contains(text, has) {
			s.Errorf("%s of the bundle has no %q: %.300s", name, has, text)
		}
	}
	all["audit"] = s.cli("audit", "ls", "--json") + s.cli("log", "dump")
	all["Logs"] = s.cli("log", "ls", "--json")
	all["definitions"] = s.cli("export", "definitions")
	for _, flag := range []string{"--no-history=true", "--no-history=false"} {
		path := filepath.Join(s.work, "backup"+flag)
		s.cli("backup", "create", path, flag)
		all["store backup "+flag] = s.readBackup(path)
	}
	all["store directory"] = s.readDirectory()
	all["log"] = s.log.String()
	for _, name := range []string{"audit", "Logs", "definitions", "store directory", "log"} {
		if !strings.Contains(all[name], "canary") && !strings.Contains(all[name], "narrow") {
			s.Errorf("%s has nothing of this test in it: %.300s", name, all[name])
		}
	}
	if !strings.Contains(all["store directory"], s.secrets["payload"]) {
		s.Error("the payload is not found where it is: this test looks at too little")
	}
	if !strings.Contains(all["log"], `"level":"DEBUG"`) {
		s.Error("the log is not at level debug")
	}
	return all
}

func (s *plantedServer) unpack(path string) map[string]string {
	s.Helper()
	f, err := os.Open(path)
	if err != nil {
		s.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		s.Errorf("the bundle has mode %v", info.Mode())
	}
	zip, err := gzip.NewReader(f)
	if err != nil {
		s.Fatal(err)
	}
	all := map[string]string{}
	for files := tar.NewReader(zip); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			s.Fatal(err)
		}
		var r io.Reader = files
		if strings.HasSuffix(h.Name, ".gz") {
			if r, err = gzip.NewReader(files); err != nil {
				s.Fatal(err)
			}
		}
		text, err := io.ReadAll(r)
		if err != nil {
			s.Fatal(err)
		}
		all["bundle "+filepath.Base(h.Name)] = string(text)
	}
}

// readBackup returns all that is in a backup, unpacked.
func (s *plantedServer) readBackup(path string) string {
	s.Helper()
	f, err := os.Open(path)
	if err != nil {
		s.Fatal(err)
	}
	defer f.Close()
	r, err := backup.NewReader(f)
	if err != nil {
		s.Fatal(err)
	}
	var b strings.Builder
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			s.Fatal(err)
		}
		b.Write(p.Snapshot)
		if p.Block == nil {
			continue
		}
		err = r.Entries(p.Block, func(e *block.Entry) error {
			_, _ = fmt.Fprintf(&b, "%s\n", e.Data)
			return nil
		})
		if err != nil {
			s.Fatal(err)
		}
	}
}

// readDirectory returns all files of the data directory but the data key.
func (s *plantedServer) readDirectory() string {
	s.Helper()
	var b strings.Builder
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "data.key" {
			return nil // it may go while this looks
		}
		text, err := os.ReadFile(path)
		b.Write(text)
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return b.String()
}
