package program

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"hpfriends/eventlog"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/datadir"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/raftfsm"
	"hpfriends/web"
)

// openNode serves the API on a real node, and returns a command line for it.
func openNode(t *testing.T) (terminal, *raftfsm.Node, *raftfsm.Cursors) {
	t.Helper()
	dir, quiet := t.TempDir(), slog.New(slog.DiscardHandler)
	key, err := secret.LoadOrCreate(dir)
	if err != nil {
		t.Fatal(err)
	}
	events, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	node, err := raftfsm.Open(raftfsm.Config{Dir: dir, Log: events, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if err := node.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	cursors := raftfsm.NewCursors(node)
	s := web.New(web.Config{
		Changer: changer{node}, Cursors: cursors, Query: query.New(events, node.Graph, nil), Key: key,
		Metrics: prometheus.NewRegistry(),
		Node:    web.Node{Version: "test"}, Ready: node.Ready, Logger: quiet,
	})
	l, err := net.Listen("unix", filepath.Join(dir, datadir.Socket))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.ServeSocket(l) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(t.Context()), <-done, node.Close(), events.Close()); err != nil &&
			!strings.Contains(err.Error(), "context canceled") {
			t.Error(err)
		}
	})
	return terminal{t, dir}, node, cursors
}

func TestCursorCommands(t *testing.T) {
	m, node, cursors := openNode(t)
	m.ok("user", "add", "ada")
	m.ok("user", "add", "bob")
	m.ok("authkey", "add", "--as", "ada", "--ident", "ada/key", "--sub", "*")
	key, ok := node.Graph().AuthkeyByIdent("ada/key")
	if !ok {
		t.Fatal("there is no authkey")
	}
	claim := func(name, channel string) eventlog.Cursor {
		c, err := cursors.Claim(t.Context(), uint64(key.ID), name, channel, eventlog.Position{Index: 4})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if out := m.ok("cursor", "ls", "--json"); out != "[]\n" {
		t.Errorf("without any: %q", out)
	}
	claim("siem", "dionaea.*")
	archive := claim("archive", "c\x1b[2J*") // a channel is what a client sent

	out := m.ok("cursor", "ls", "--as", "ada")
	rows := strings.Split(out, "\n")
	if !strings.Contains(rows[0], "Entries behind") || !strings.Contains(rows[1], "ada/key") ||
		!strings.Contains(rows[1], "archive") ||
		!strings.Contains(rows[2], "siem") || !strings.Contains(rows[2], "#4.0") || strings.Contains(out, "\x1b") {
		t.Errorf("the list is\n%s", out)
	}
	var all []view.Cursor
	if err := json.Unmarshal([]byte(m.ok("cursor", "ls", "--json", "--authkey", "ada/key")), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].Name != "archive" || all[0].Epoch != archive.Epoch || all[0].Channel != "c\x1b[2J*" ||
		!all[0].Held {
		t.Errorf("as JSON: %+v", all)
	}
	if out := m.ok("cursor", "ls", "--as", "bob", "--json"); out != "[]\n" {
		t.Errorf("bob sees %s", out)
	}

	m.ok("cursor", "reset", "ada/key", "siem", "--to", "#2.1", "--as", "ada")
	m.ok("cursor", "rm", "ada/key", "archive")
	if err := json.Unmarshal([]byte(m.ok("cursor", "ls", "--json")), &all); err != nil || len(all) != 1 ||
		all[0].Position != "#2.1" || all[0].Held {
		t.Errorf("after reset and removal: %+v (%v)", all, err)
	}

	for _, tt := range []struct {
		line, says string
		code       int
	}{
		{"cursor reset ada/key siem", "--to is required", cmdline.ExitUsage},
		{"cursor reset ada/key siem --to whenever", "want first, now, a position like", cmdline.ExitUsage},
		{"cursor reset ada/key siem --to #99999", "beyond the end of the log", cmdline.ExitUsage},
		{"cursor reset ada/key --to now", "IDENT NAME; got 1", cmdline.ExitUsage},
		{"cursor reset ada/key other --to now", "no cursor \"other\"", cmdline.ExitNotFound},
		{"cursor rm nobody siem", "there is no authkey nobody", cmdline.ExitNotFound},
		{"cursor rm ada/key siem --as bob", "there is no authkey", cmdline.ExitNotFound},
		{"cursor rm ada/key a%20b", "list them with `hpfriends cursor ls`", cmdline.ExitNotFound},
		{"cursor ls extra", "takes no arguments", cmdline.ExitUsage},
		{"cursor ls --authkey nobody", "there is no authkey nobody", cmdline.ExitNotFound},
		{"cursor ls --data-dir /nonexistent", "no server is running", cmdline.ExitUnavailable},
	} {
		code, out, msg := m.run(strings.Fields(tt.line)...)
		if code != tt.code || !strings.Contains(msg, tt.says) || out != "" {
			t.Errorf("%s: exit %d, %q %q; want %d and %q", tt.line, code, out, msg, tt.code, tt.says)
		}
	}
}

// What the owner does to a durable subscription ends the connection that reads by it, and the next one begins there.
func TestResetAndRemovalEndTheConnection(t *testing.T) {
	c := newCommunity(t, "ada")
	pub := c.dial("ada")
	pub.settled("sync")
	for _, text := range []string{"one", "two"} {
		pub.publish("d", text)
	}
	pub.settled("sync")
	path := "/cursors/" + url.PathEscape(c.keys["ada"].Ident) + "/tool"

	l := c.dial("ada")
	l.subscribe("d?durable=tool&from=first")
	l.expect("d ada-key one", "d ada-key two")
	c.do("ada", "POST", path+"/reset", map[string]any{"to": "first"}, nil)
	l.expectError("reset or removed")
	l = c.dial("ada")
	l.subscribe("d?durable=tool")
	l.expect("d ada-key one", "d ada-key two")

	c.do("ada", "POST", path+"/reset", map[string]any{"to": "now"}, nil)
	l.expectError("reset or removed")
	pub.publish("d", "three")
	pub.settled("sync")
	l = c.dial("ada")
	l.subscribe("d?durable=tool")
	l.expect("d ada-key three")

	c.do("ada", "DELETE", path, nil, nil)
	l.expectError("reset or removed")
	var all []view.Cursor
	if c.do("ada", "GET", "/cursors", nil, &all); len(all) != 0 {
		t.Errorf("after the removal: %+v", all)
	}
}

// changer has no retention to tell of.
type changer struct{ *raftfsm.Node }

func (changer) Retention() view.Retention { return view.Retention{} }
