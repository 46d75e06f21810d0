package link

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	clusterA = "0123456789abcdef0123456789abcdef"
	clusterB = "ffffffffffffffff0123456789abcdef"
)

// memberList is a Members that tests edit.
type memberList struct {
	mu    sync.Mutex
	addrs map[string]string
	index uint64
}

func (r *memberList) Member(id string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	addr, ok := r.addrs[id]
	return addr, ok
}

func (r *memberList) IDs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.addrs))
}

func (r *memberList) Index() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.index
}

func (r *memberList) set(id, addr string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addrs[id] = addr
	r.index++
}

func (r *memberList) remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.addrs, id)
	r.index++
}

// handler is a Handler made of a function.
type handler func(ctx context.Context, peer string, method byte, req []byte) ([]byte, error)

func (h handler) Handle(ctx context.Context, peer string, method byte, req []byte) ([]byte, error) {
	return h(ctx, peer, method, req)
}

// echo answers with who asked, the method, and the request.
func echo(_ context.Context, peer string, method byte, req []byte) ([]byte, error) {
	return append([]byte(fmt.Sprintf("%s %d ", peer, method)), req...), nil
}

// member makes the identity of another node of the same cluster.
func member(t testing.TB, of *Identity, node string) *Identity {
	t.Helper()
	return issued(t, of, node, time.Now(), CertificateLife)
}

func issued(t testing.TB, of *Identity, node string, now time.Time, life time.Duration) *Identity {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	a := *of.authority
	leaf, err := a.issue(node, key.Public(), now, life)
	if err != nil {
		t.Fatal(err)
	}
	i, err := newIdentity(&a, key, leaf)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func bootstrap(t testing.TB, cluster, node string) *Identity {
	t.Helper()
	i, err := Bootstrap(cluster, node)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// open starts a port on 127.0.0.1, enters it into the memberList, and closes it with the test.
func open(t testing.TB, id *Identity, r *memberList, edit func(*Config)) *Port {
	t.Helper()
	p := openUnowned(t, id, r, edit)
	t.Cleanup(func() { p.Close() })
	return p
}

func openUnowned(t testing.TB, id *Identity, r *memberList, edit func(*Config)) *Port {
	t.Helper()
	l := listen(t)
	c := Config{Identity: id, Listener: l, Advertise: l.Addr().String(), Members: r, Handler: handler(echo),
		Logger: testLog(t)}
	if edit != nil {
		edit(&c)
	}
	r.set(id.Node, c.Advertise)
	p, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func testLog(t testing.TB) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// pair is two members, n1 and n2, on 127.0.0.1.
func pair(t testing.TB, edit func(*Config)) (n1, n2 *Port, r *memberList) {
	t.Helper()
	r = &memberList{addrs: map[string]string{}}
	id := bootstrap(t, clusterA, "n1")
	return open(t, id, r, edit), open(t, member(t, id, "n2"), r, edit), r
}

func soon(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// noGoroutinesLeft fails when a goroutine of this package, or of raft's transport, outlives what was closed.
func noGoroutinesLeft(t testing.TB) {
	t.Helper()
	var left []string
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 4<<20)
		left = left[:0]
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if (strings.Contains(g, "raftfsm/link.(*") || strings.Contains(g, "raft.(*NetworkTransport)")) &&
				!strings.Contains(g, "testing.tRunner") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("%d goroutines are left:\n%s", len(left), strings.Join(left, "\n\n"))
}

// gate is an Admission that tests edit.
type gate struct {
	mu      sync.Mutex
	tokens  map[[sha256.Size]byte]time.Time
	welcome func(Joiner) (Welcome, error)
	admit   func(Joiner) error
	now     func() time.Time // nil: that of the test
}

func (g *gate) Token(hash [sha256.Size]byte, node string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	expires, ok := g.tokens[hash]
	switch {
	case !ok:
		return ErrTokenUnknown
	case !g.time().Before(expires):
		return fmt.Errorf("%w: at noon", ErrTokenExpired)
	case node == "late":
		return fmt.Errorf("%w: by n7", ErrTokenUsed)
	case node == "unwanted":
		return fmt.Errorf("%w: by root", ErrTokenRemoved)
	}
	return nil
}

func (g *gate) time() time.Time {
	if g.now != nil {
		return g.now()
	}
	return time.Now()
}

func (g *gate) Welcome(_ context.Context, j Joiner) (Welcome, error) { return g.welcome(j) }

func (g *gate) Admit(_ context.Context, j Joiner) error { return g.admit(j) }
