package siege

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/internal/proc"
	"hpfriends/raftfsm/link"
)

// mostJoin is how long a new node may take from its start until it serves.
const mostJoin = 20 * time.Second

// joinToken returns a token with which one node joins.
func (s *Siege) joinToken(ctx context.Context) string {
	s.t.Helper()
	in := api.NewJoinToken{Seconds: 3600, Uses: 1}
	out, err := api.AddJoinToken.Call(ctx, s.Server.API, api.With[api.NewJoinToken]{Body: in})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.Token
}

// Strangers at the cluster port, from 64 addresses: what is no TLS, one hello over and over, and the same joining as
// somebody else did, with a token that has been used. Meanwhile a new node joins.
func TestClusterPort(t *testing.T) {
	cluster := []string{"--cluster", "127.0.0.1:0", "--node-id", "first", "--bootstrap"}
	s := Begin(t, Walls{TLS: true, Flags: cluster})
	used, err := link.ParseToken(s.joinToken(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.newNode(t, "second", used.Reveal()); err != nil {
		t.Fatal(err)
	}
	s.calm = s.measure(3 * time.Second) // with another node
	token := s.joinToken(t.Context())
	hello, garbage := s.hello(), make([]byte, 4<<10)
	rand.Read(garbage)
	var replays, looked atomic.Int64
	lasted := s.Attack(func(ctx context.Context) {
		var all sync.WaitGroup
		for _, first := range [][]byte{garbage, hello} {
			all.Go(func() { greet(ctx, s.Cluster, first, 64) })
		}
		for i := range 64 {
			all.Go(func() {
				for ctx.Err() == nil {
					err := link.Join(ctx, link.Joining{
						Token: used, Addr: s.Cluster, Node: "second-again", Advertise: "127.0.0.1:1",
						Store: func(*link.Identity, link.Welcome) error { return errors.New("it was let in") },
						Dial: func(ctx context.Context, address string) (net.Conn, error) {
							return from(ctx, address, i, 64)
						},
					})
					replays.Add(1)
					if errors.Is(err, link.ErrTokenUsed) {
						looked.Add(1)
					}
				}
			})
		}
		begin := time.Now()
		err := s.newNode(t, "third", token)
		if took := time.Since(begin); err != nil || took > mostJoin {
			t.Errorf("a new node took %v: %v", took, err)
		} else {
			t.Logf("a new node took %v", took)
		}
		all.Wait()
	})
	t.Logf("%d joinings with the used token, %d of them were looked at", replays.Load(), looked.Load())
	if most := int64(64 * (11 + lasted.Seconds())); looked.Load() > most { // of each address 10, and one a second
		t.Errorf("%d tokens of strangers were looked at, want at most %d", looked.Load(), most)
	}
}

// newNode starts a node that joins, waits until it serves, and stops it when the test ends.
func (s *Siege) newNode(t *testing.T, node, token string) error {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		return err
	}
	path, err := proc.Build()
	if err != nil {
		return err
	}
	p, err := proc.Launch(filepath.Join(dir, "data"), proc.Command{
		Program: []string{path}, Flags: slices.Concat(anywhere, []string{
			"--cluster", "127.0.0.1:0", "--node-id", node, "--nonvoter", "--join", s.Cluster, "--join-token-file", file,
		}),
	})
	if err != nil {
		return err
	}
	t.Cleanup(p.Kill)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = p.Await(ctx)
	return err
}
