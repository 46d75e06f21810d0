package program

import (
	"regexp"
	"strings"
	"testing"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/proc"
)

// A server without an admin says by which link one is made, or makes the one of its environment, which does nothing
// where there is one.
func TestFirstAdmin(t *testing.T) {
	dir := t.TempDir()
	start := func(env ...string) (said string) {
		t.Helper()
		p, err := proc.Start(t.Context(), dir, append(env, asProgram+"=1"), "--http", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		return p.Said()
	}
	admins := func() (all string) {
		t.Helper()
		p, err := proc.Start(t.Context(), dir, []string{asProgram + "=1"})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Stop()
		users, err := api.ListUsers.All(t.Context(), p.API, api.UsersQuery{})
		for _, u := range users {
			if u.Role == graph.Admin {
				all += u.Handle + " "
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	link := regexp.MustCompile(`"link":"http://127\.0\.0\.1:\d+/setup\?token=([A-Za-z0-9_-]{43})"`)
	first, second := link.FindStringSubmatch(start()), link.FindStringSubmatch(start())
	if first == nil || second == nil || first[1] == second[1] {
		t.Errorf("the links are %q and %q", first, second)
	}
	const password = "correct-horse-CANARY"
	for _, env := range [][]string{
		{"HPFRIENDS_ADMIN=root", "HPFRIENDS_ADMIN_PASSWORD=" + password},
		{"HPFRIENDS_ADMIN=eve", "HPFRIENDS_ADMIN_PASSWORD=" + password},
	} {
		if said := start(env...); strings.Contains(said, "/setup") || strings.Contains(said, password) {
			t.Errorf("with %q it says %s", env, said)
		}
	}
	if got := admins(); got != "root " {
		t.Errorf("the admins are %q", got)
	}
	_, err := proc.Start(t.Context(), t.TempDir(), []string{asProgram + "=1", "HPFRIENDS_ADMIN_PASSWORD=short"})
	if err == nil || !strings.Contains(err.Error(), "the password has 5 of at least 8 bytes") {
		t.Errorf("with a short password it says %v", err)
	}
}
