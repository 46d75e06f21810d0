package match

import (
	"errors"
	"testing"
	"time"

	"hpfriends/graph"
)

// Words, phrases and operators all hold; an operator asks only what an object is about.
func TestOperators(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	facts := []string{"channel", "cowrie.sessions", "user", "ada", "key", "k-1", "ip", "192.0.2.7", "ip", "2001:db8::1"}
	fields := []string{"login of root failed", "k-1"}
	for text, want := range map[string]bool{
		`login failed`:               true,
		`"login failed"`:             false,
		`"of  root"`:                 true,
		`channel:cowrie`:             true,
		`CHANNEL:Cowrie user:ada`:    true,
		`channel:dionaea`:            false,
		`channel:"cowrie.sessions"`:  true,
		`user:k-1`:                   false,
		`key:k-1 login`:              true,
		`ip:192.0.2.7`:               true,
		`ip:2001:db8`:                true,
		`group:x`:                    false,
		`since:2h`:                   true,
		`since:30m`:                  false,
		`until:30m`:                  true,
		`until:2h`:                   false,
		`since:2026-11-20T10:00:00Z`: true,
		`channel:cowrie nothing`:     false,
		`"channel:cowrie"`:           false,
		`https://x`:                  false,
		`::1`:                        false,
		`"unclosed`:                  false,
	} {
		q, err := Parse(text, now)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		f := q.About(facts...)
		f.Time = now.Add(-time.Hour)
		if got := q.Match(f, fields...) < Nowhere; got != want {
			t.Errorf("%s: found %t, want %t", text, got, want)
		}
	}
	for text, want := range map[string]string{
		`chanel:x`:   "there is no operator chanel:",
		`channel:`:   "after channel: nothing is named",
		`since:odd`:  "since: ",
		``:           "there is nothing to search for",
		`""`:         "there is nothing to search for",
		`user:" "`:   "there is nothing to search for",
		"\u202ex:yz": "",
	} {
		_, err := Parse(text, now)
		var refusal *graph.Error
		if want == "" && err != nil || want != "" && (!errors.As(err, &refusal) || refusal.Code != graph.Invalid ||
			len(refusal.Msg) < len(want) || refusal.Msg[:len(want)] != want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
