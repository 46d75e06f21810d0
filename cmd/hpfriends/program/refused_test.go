package program

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/freeport"
	"hpfriends/query/view"
	"hpfriends/wire"
)

// A refused login is a line of the server's own log at level debug, and a row of Logs.
func TestRefusedLoginIsSeen(t *testing.T) {
	p, m := realBroker(t, "--log-level", "debug")
	ctx, interrupt := context.WithCancel(t.Context())
	var out, msg screen
	over := make(chan int, 1)
	go func() { over <- run(ctx, []string{"hpfriends", "log", "tail", "--data-dir", m.dir}, &out, &msg) }()
	const refusal = "Pre-auth: Authkey secret hash incorrect."
	for end := time.Now().Add(20 * time.Second); !strings.Contains(out.String(), refusal); {
		if time.Now().After(end) {
			t.Fatalf("log tail prints %q", out.String())
		}
		c, err := wire.Dial(ctx, wire.DialConfig{Addr: p.Address, Ident: "k", Secret: []byte("wr0ng")})
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		time.Sleep(500 * time.Millisecond) // it shows what comes once it listens
	}
	interrupt()
	if <-over; msg.String() != "" {
		t.Errorf("log tail says %q", msg.String())
	}
	said := p.Said()
	for _, part := range []string{`"level":"DEBUG"`, `"reason":"invalid-secret"`, `"ident":"k"`, `"remote":"127.0.0.1:`} {
		if !strings.Contains(said, part) {
			t.Errorf("the server does not say %s: %s", part, said)
		}
	}
	if strings.Contains(said, "wr0ng") || strings.Contains(said, "s3cret-k7") {
		t.Errorf("the server's log has a secret: %s", said)
	}
}

// What the server's own log says of a connection has its number, by which it is listed and closed.
func TestLinesOfAConnectionHaveItsNumber(t *testing.T) {
	p, m := realBroker(t, "--log-level", "debug")
	c, err := wire.Dial(t.Context(), wire.DialConfig{Addr: p.Address, Ident: "k", Secret: []byte("s3cret-k7")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(wire.AppendPublish(nil, "k", "$x", []byte("y"))); err != nil {
		t.Fatal(err)
	}
	says := func(parts ...string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			for line := range strings.Lines(p.Said()) {
				if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
					return
				}
			}
			if time.Now().After(end) {
				t.Fatalf("no line has %q: %s", parts, p.Said())
			}
		}
	}
	says(`"msg":"logged in"`)
	var listed view.Connections
	err = json.Unmarshal([]byte(m.ok("connection", "ls", "--json")), &listed)
	if err != nil || len(listed.Connections) != 1 {
		t.Fatalf("%+v, %v", listed, err)
	}
	number := fmt.Sprintf(`"connection":%d,`, listed.Connections[0].Number)
	says(`"msg":"logged in"`, `"ident":"k"`, number)
	says(`"msg":"refused"`, `"channel":"$x"`, number)
	m.ok("connection", "close", fmt.Sprint(listed.Connections[0].Node, "/", listed.Connections[0].Number))
	says(`"msg":"connection ended"`, `"ident":"k"`, number)
}

// A wrong password is a row of its account, on the page and on the command line; one for nobody's account is for
// admins.
func TestWrongPasswordIsARowOfItsAccount(t *testing.T) {
	address := freeport.On127(t)
	_, m := realBroker(t, "--http", address)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("four odd words here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.ok("user", "passwd", "ada", "--password-file", file)
	m.ok("user", "add", "bob")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	login := func(user, password string) {
		t.Helper()
		res, err := browser.PostForm("http://"+address+"/login", url.Values{"user": {user}, "password": {password}})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	login("ada", "guessed by somebody")
	login("who-is-that", "guessed by somebody")
	var all string
	for end := time.Now().Add(20 * time.Second); strings.Count(all, "Password incorrect.") < 2; {
		if time.Now().After(end) {
			t.Fatalf("the operator sees %s", all)
		}
		time.Sleep(50 * time.Millisecond)
		all = m.ok("log", "ls")
	}
	if adas := m.ok("log", "ls", "--as", "ada", "--kind", "login"); strings.Count(adas, "Password incorrect.") != 1 ||
		!strings.Contains(adas, "127.0.0.1") || strings.Contains(adas, "who-is-that") {
		t.Errorf("ada sees %s", adas)
	}
	if bobs := m.ok("log", "ls", "--as", "bob"); strings.Contains(bobs, "Password incorrect.") {
		t.Errorf("bob sees %s", bobs)
	}
	login("ada", "four odd words here")
	res, err := browser.Get("http://" + address + "/logs")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil || strings.Count(string(page), "Password incorrect.") != 1 ||
		strings.Contains(string(page), "who-is-that") {
		t.Errorf("the page says %s, %v", page, err)
	}
}
