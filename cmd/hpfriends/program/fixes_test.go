package program

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/internal/cmdline"
	"hpfriends/query/view"
)

// Doing what explain says, one fix after the other, makes the message flow; it costs nobody anything that worked.
func TestFollowingTheFixesMakesItFlow(t *testing.T) {
	for name, setup := range map[string][]string{
		"nothing there": {},
		"a share by a group, not enabled; authkeys that lack the channel": {
			"group add lab --as ada", "group add-member lab bob --as ada", "share add c.* --as ada --to group:lab",
			"authkey add --as ada --ident a-key --pub other", "authkey add --as bob --ident b-key --sub other",
			"authkey disable b-key --as bob",
		},
		"everything disabled": {
			"authkey add --as ada --ident a-key --pub *", "authkey add --as bob --ident b-key --sub *",
			"authkey disable a-key --as ada",
			"share add * --as ada --to bob", "user disable bob", "user disable ada",
		},
		"somebody between who does not pass it on": {
			"user add cleo", "share add c.x --as ada --to cleo", "share add c.x --as cleo --to bob",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, m := newTerminal(t)
			m.ok("user", "add", "ada")
			m.ok("user", "add", "bob")
			for _, line := range setup {
				m.ok(strings.Fields(line)...)
			}
			for range 12 {
				code, out, msg := m.run("explain", "--from", "ada", "--to", "bob", "--channel", "c.x", "--json")
				var x view.Explanation
				if err := json.Unmarshal([]byte(out), &x); err != nil {
					t.Fatalf("exit %d: %v: %s%s", code, err, out, msg)
				}
				if x.Flows != (code == 0) || !x.Flows && code != cmdline.ExitDenied {
					t.Fatalf("flows %v, but exit %d", x.Flows, code)
				}
				if x.Flows {
					if strings.Contains(name, "lack the channel") {
						if keys := m.ok("authkey", "ls", "--as", "ada"); !strings.Contains(keys, "other c.x") {
							t.Errorf("the fix has replaced what ada's authkey could do before:\n%s", keys)
						}
					}
					return
				}
				for _, line := range strings.Split(firstFix(t, x), " && ") {
					m.ok(shellWords(t, line)[1:]...)
				}
			}
			_, out, _ := m.run("explain", "--from", "ada", "--to", "bob", "--channel", "c.x")
			t.Fatalf("twelve fixes did not help:\n%s", out)
		})
	}
}

func firstFix(t *testing.T, x view.Explanation) string {
	t.Helper()
	for _, g := range x.Gates {
		if !g.OK && g.Fix != "" {
			return g.Fix
		}
	}
	t.Fatalf("no gate has a fix: %+v", x.Gates)
	return ""
}

// shellWords splits a line as a shell does, as far as quote in package graph writes it.
func shellWords(t *testing.T, line string) (words []string) {
	t.Helper()
	word, quoted := "", false
	for _, r := range line {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == ' ' && !quoted:
			words = append(words, word)
			word = ""
		default:
			word += string(r)
		}
	}
	return append(words, word)
}

// What strangers have written cannot steer the terminal of who reads it: no control character gets out, in a table, in
// JSON or in an error.
func TestHostileTextIsShownNotObeyed(t *testing.T) {
	o, m := newTerminal(t)
	m.ok("user", "add", "ada")
	const evil = "\x1b]0;owned\a\x9b31m\u009b2J\u202egnp.exe\r\nhpfriends: ok\x7f"
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	o.refused(t, "1", entry.Refusal{Owner: 1, Ident: evil, Message: evil, Channel: evil, Addr: evil,
		First: day, Last: day, Count: 1})
	m.ok("share", "add", "c", "--as", "ada", "--to", "group:everyone", "--note", "\U0001f600 *text*")
	for _, args := range [][]string{
		{"log", "ls"}, {"log", "ls", "--json"}, {"share", "ls", "--json"}, {"user", "show", evil}, {"user", "add", evil},
		{"share", "add", evil, "--as", "ada", "--to", "ada"},
		{"log", "ls", "--key", evil}, {evil}, {"user", evil}, {"user", "ls", "--" + evil}, {"log", "ls", "--since", evil},
		{"--data-dir", "/nowhere/" + evil, "user", "ls"},
		{"explain", "--from", "ada", "--to", "ada", "-c", evil}, {"group", "show", evil},
		{"authkey", "add", "--as", "ada", "--network", evil},
	} {
		_, out, msg := m.run(args...)
		for _, r := range out + msg {
			if r == '\n' || r >= ' ' && r < 0x7f || r == '…' || r == '│' || r == '─' || r == '┼' || r == '\U0001f600' ||
				r == '\ufffd' {
				continue
			}
			t.Errorf("%q prints %U: %q", args, r, out+msg)
			break
		}
		if strings.Contains(out+msg, "\nhpfriends: ok") {
			t.Errorf("%q prints a line that is not ours: %q", args, out+msg)
		}
	}
	if out := m.ok("log", "ls", "--json"); !strings.Contains(out, `\u001b]0;owned\u0007`) {
		t.Errorf("JSON has lost what was written: %s", out)
	}
	var rows []view.LogRow
	if err := json.Unmarshal([]byte(m.ok("log", "ls", "--json")), &rows); err != nil ||
		!strings.Contains(rows[0].Identifier, "\u009b2J\u202egnp") {
		t.Errorf("JSON does not read back: %v, %+v", err, rows)
	}
}
