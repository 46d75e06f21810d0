//go:build interop

package interop

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const capture = "dionaea.capture"

// sharing is Alice, whose sensor publishes, Bob, with whom she shares it, and Carol, with whom Bob does.
type sharing struct {
	*server
	alice, bob, carol *agent
	bobHas, carolHas  int
}

// TestSharingGraphWithPythonClients walks through the life of a sharing graph, with each of the Python clients in each
// role.
func TestSharingGraphWithPythonClients(t *testing.T) {
	clients := []string{"blocking.py", "aio.py", "tx.py"}
	for i := range clients {
		roles := append(slices.Clone(clients[i:]), clients[:i]...)
		t.Run(strings.Join(roles, "-"), func(t *testing.T) { walk(t, roles) })
	}
}

func walk(t *testing.T, roles []string) {
	s := &sharing{server: serve(t)}
	sync := []string{"sync.*"}
	s.authkey("alice", "sensor", append(sync, capture), sync)
	s.authkey("bob", "bobs", sync, append(sync, capture))
	s.authkey("carol", "carols", sync, append(sync, capture))
	first := s.share(capture, "alice", "bob", "own")
	second := s.share(capture, "bob", "carol", "all")
	s.alice = s.start(roles[0], "sensor")
	s.bob = s.start(roles[1], "bobs", capture)
	s.carol = s.start(roles[2], "carols", capture)

	s.explained("bob", 4, "bob has not enabled it")
	s.explained("carol", 4, "has not enabled it")
	s.reaches("nobody has enabled anything", "")

	s.cli(0, "share", "accept", first, "--as", "bob")
	s.explained("bob", 0, "What alice publishes on dionaea.capture reaches bob.")
	s.explained("carol", 4, "carol has not enabled it")
	s.reaches("bob has enabled", "bob")

	s.cli(0, "share", "accept", second, "--as", "carol")
	s.explained("carol", 0, "alice -> bob", "bob -> carol", "type all")
	s.reaches("carol has enabled bob's share", "bob carol")

	begin := time.Now()
	s.cli(0, "share", "disable", first, "--as", "bob")
	s.reaches("bob has disabled", "")
	if took := time.Since(begin); took > time.Second {
		t.Errorf("disabling took effect after %s, want within 1 s", took)
	}
	s.explained("bob", 4, "bob has not enabled it")
	s.explained("carol", 4, "bob has not enabled it")

	s.cli(0, "share", "accept", first, "--as", "bob")
	s.reaches("bob has enabled again", "bob carol")

	s.cli(0, "share", "rm", second, "--as", "bob")
	third := s.share(capture, "bob", "carol", "own")
	s.cli(0, "share", "accept", third, "--as", "carol")
	s.explained("carol", 4)
	s.reaches("bob shares only his own", "bob")
}

// explained asks why what Alice publishes does or does not reach somebody.
func (s *sharing) explained(to string, code int, texts ...string) {
	s.t.Helper()
	out := s.cli(code, "explain", "--from", "alice", "--to", to, "--channel", capture)
	for _, text := range texts {
		if !strings.Contains(out, text) {
			s.t.Errorf("explain --to %s does not say %q:\n%s", to, text, out)
		}
	}
}

// reaches publishes a message as Alice and checks who has received it, and nothing else.
func (s *sharing) reaches(payload, who string) {
	s.t.Helper()
	s.alice.publish(capture, payload)
	s.alice.sync() // it is in the log
	for _, to := range []struct {
		name  string
		agent *agent
		count *int
	}{{"bob", s.bob, &s.bobHas}, {"carol", s.carol, &s.carolHas}} {
		to.agent.sync()
		fresh := to.agent.received[*to.count:]
		*to.count = len(to.agent.received)
		var want []string
		if strings.Contains(who, to.name) {
			want = []string{capture + " sensor " + payload}
		}
		if !slices.Equal(fresh, want) {
			s.t.Errorf("when %s, %s received %q, want %q", payload, to.name, fresh, want)
		}
	}
}
