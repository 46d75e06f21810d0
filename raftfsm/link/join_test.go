package link

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/internal/crowd"
)

// admission makes a gate that takes token, gives a blob, and adds the joiner to the memberList.
func admission(r *memberList, tokens ...Token) *gate {
	g := &gate{tokens: map[[sha256.Size]byte]time.Time{}}
	for _, t := range tokens {
		g.tokens[t.Hash()] = t.Expires
	}
	g.welcome = func(Joiner) (Welcome, error) {
		members := map[string]string{}
		for _, id := range r.IDs() {
			members[id], _ = r.Member(id)
		}
		return Welcome{Members: members, Blob: []byte("the data key")}, nil
	}
	g.admit = func(j Joiner) error { r.set(j.Node, j.Addr); return nil }
	return g
}

func TestJoinedNodeIsAMember(t *testing.T) {
	r := &memberList{addrs: map[string]string{}}
	id := bootstrap(t, clusterA, "n1")
	token := newToken(t, id)
	n1 := open(t, id, r, func(c *Config) { c.Admission = admission(r, token) })
	l, dir := listen(t), t.TempDir()
	var welcome Welcome
	err := Join(t.Context(), Joining{
		Token: token, Addr: n1.Addr().String(), Node: "n2", Advertise: l.Addr().String(),
		Store: func(i *Identity, w Welcome) error {
			if _, early := r.Member("n2"); early {
				t.Error("admitted before it stored what it got")
			}
			welcome = w
			return i.Save(dir)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if string(welcome.Blob) != "the data key" || welcome.Members["n1"] != n1.Addr().String() || len(welcome.Members) != 1 {
		t.Errorf("welcome: %+v", welcome)
	}
	joined, err := Load(dir)
	if err != nil || (Bound{clusterA, "n2"}).Check(joined) != nil {
		t.Fatalf("%v", err)
	}
	// It goes by what it was told until it has a configuration, and can itself admit others: it has the authority.
	own := &memberList{addrs: welcome.Members}
	n2, err := Open(Config{Identity: joined, Listener: l, Advertise: l.Addr().String(), Members: own,
		Handler: handler(echo), Admission: admission(own, token)})
	if err != nil {
		t.Fatal(err)
	}
	defer n2.Close()
	for _, c := range []struct {
		from *Port
		to   string
	}{{n1, "n2"}, {n2, "n1"}} {
		if _, err := c.from.Call(within(t, 5*time.Second), c.to, 1, nil); err != nil {
			t.Errorf("to %s: %v", c.to, err)
		}
	}
	var third *Identity
	err = Join(t.Context(), Joining{Token: token, Addr: l.Addr().String(), Node: "n3", Advertise: "127.0.0.1:9",
		Store: func(i *Identity, _ Welcome) error { third = i; return nil }})
	if err != nil || third.authority.Fingerprint() != id.authority.Fingerprint() {
		t.Errorf("through the second node: %v", err)
	}
}

func TestJoiningThatIsRefusedSaysWhyToThoseWithATokenOnly(t *testing.T) {
	r := &memberList{addrs: map[string]string{}}
	id := bootstrap(t, clusterA, "n1")
	good, unknown, over := newToken(t, id), newToken(t, id), newToken(t, id)
	forged := good
	forged.secret[0] ^= 1
	lied := over
	lied.Expires = time.Now().Add(time.Hour) // the holder cannot extend it
	g := admission(r, good, over)
	g.tokens[over.Hash()] = time.Now().Add(-time.Second)
	expired := newToken(t, id)
	expired.Expires = time.Now()
	g.tokens[expired.Hash()] = expired.Expires
	foreign := newToken(t, bootstrap(t, clusterA, "n1")) // same name, another authority
	renamed := good
	renamed.Cluster = clusterB
	var welcomed, admitted int
	welcome, admit := g.welcome, g.admit
	g.welcome = func(j Joiner) (Welcome, error) {
		if welcomed++; j.Node == "full" {
			return Welcome{}, errors.New("nine members are enough")
		}
		return welcome(j)
	}
	g.admit = func(j Joiner) error {
		if admitted++; j.Node == "unlucky" {
			return errors.New("no quorum")
		}
		return admit(j)
	}
	n1 := open(t, id, r, func(c *Config) { c.Admission = g })
	var texts []string
	for _, c := range []struct {
		name               string
		token              Token
		node, addr         string
		want               error
		welcomed, admitted int
	}{
		{"unknown token", unknown, "n2", "h:1", ErrTokenUnknown, 0, 0},
		{"forged secret", forged, "n2", "h:1", ErrTokenUnknown, 0, 0},
		{"over, by the members", lied, "n2", "h:1", ErrTokenExpired, 0, 0},
		{"used", good, "late", "h:1", ErrTokenUsed, 0, 0},
		{"removed", good, "unwanted", "h:1", ErrTokenRemoved, 0, 0},
		{"unknown token, known node", unknown, "n1", "h:1", ErrTokenUnknown, 0, 0},
		{"over, also by the joiner", expired, "n2", "h:1", ErrTokenExpired, 0, 0},
		{"another authority", foreign, "n2", "h:1", ErrForeign, 0, 0},
		{"another cluster of the authority", renamed, "n2", "h:1", ErrForeign, 0, 0},
		{"known node, empty directory", good, "n1", "h:1", ErrWiped, 0, 0},
		{"the cluster is full", good, "full", "h:1", ErrJoinRefused, 1, 0},
		{"no quorum", good, "unlucky", "h:1", ErrJoinRefused, 1, 1},
		{"good", good, "n2", "h:1", nil, 1, 1},
		{"again", good, "n2", "h:1", ErrWiped, 0, 0},
	} {
		n1.admits.mu.Lock()
		n1.admits.hosts = nil // the rate is another test's
		n1.admits.mu.Unlock()
		welcomed, admitted = 0, 0
		stores := 0
		err := Join(t.Context(), Joining{Token: c.token, Addr: n1.Addr().String(), Node: c.node, Advertise: c.addr,
			Store: func(*Identity, Welcome) error { stores++; return nil }})
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || welcomed != c.welcomed || admitted != c.admitted ||
			stores != c.admitted {
			t.Errorf("%s: %v (welcomed %d, stored %d, admitted %d)", c.name, err, welcomed, stores, admitted)
		}
		if errors.Is(err, ErrTokenUnknown) {
			texts = append(texts, strings.ReplaceAll(err.Error(), "node n1", "node n2"))
		}
	}
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("unknown tokens tell something: %q, %q", texts[0], text)
		}
	}
}

// A machine whose clock is wrong joins: whether a token is over, and what a certificate is worth, goes by the clock of
// the member that answers, which the joiner is told.
func TestJoinGoesByTheClockOfTheCluster(t *testing.T) {
	for name, c := range map[string]struct{ off, life time.Duration }{
		"the joiner is three years behind": {3 * 365 * 24 * time.Hour, time.Hour},
		"by the joiner the token is over":  {-9 * time.Minute, 5 * time.Minute},
	} {
		r := &memberList{addrs: map[string]string{}}
		id := bootstrap(t, clusterA, "n1")
		g := admission(r)
		now := func() time.Time { return time.Now().Add(c.off) }
		g.now = now
		n1 := open(t, id, r, func(config *Config) { config.Admission, config.Now = g, now })
		token, err := NewToken(id, c.life)
		if err != nil {
			t.Fatal(err)
		}
		g.tokens[token.Hash()] = token.Expires
		var welcome Welcome
		err = Join(t.Context(), Joining{
			Token: token, Addr: n1.Addr().String(), Node: "n2", Advertise: "h:1",
			Store: func(_ *Identity, w Welcome) error { welcome = w; return nil },
		})
		if err != nil || now().Sub(welcome.Time).Abs() > time.Minute {
			t.Errorf("%s: %v, it is told %s", name, err, welcome.Time)
		}
	}
}

func TestNodeThatCouldNotStoreIsNotAdmitted(t *testing.T) {
	r := &memberList{addrs: map[string]string{}}
	id := bootstrap(t, clusterA, "n1")
	token := newToken(t, id)
	n1 := open(t, id, r, func(c *Config) { c.Admission = admission(r, token) })
	full := errors.New("disk full")
	err := Join(t.Context(), Joining{Token: token, Addr: n1.Addr().String(), Node: "n2", Advertise: "h:1",
		Store: func(*Identity, Welcome) error { return full }})
	if !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	n1.Close()
	if _, in := r.Member("n2"); in {
		t.Error("it was admitted")
	}
}

func TestJoinFindsTheLeader(t *testing.T) {
	r := &memberList{addrs: map[string]string{}}
	id := bootstrap(t, clusterA, "n1")
	token := newToken(t, id)
	n1 := open(t, id, r, func(c *Config) { c.Admission = admission(r, token) })
	elsewhere := admission(r, token)
	elsewhere.welcome = func(Joiner) (Welcome, error) { return Welcome{}, Elsewhere(n1.Addr().String()) }
	n2 := open(t, member(t, id, "n2"), r, func(c *Config) { c.Admission = elsewhere })
	j := Joining{Token: token, Addr: n2.Addr().String(), Node: "n3", Advertise: "h:1",
		Store: func(*Identity, Welcome) error { return nil }}
	if err := Join(t.Context(), j); err != nil {
		t.Error(err)
	}
	elsewhere.welcome = func(Joiner) (Welcome, error) { return Welcome{}, Elsewhere(n2.Addr().String()) }
	j.Node = "n4"
	if err := Join(t.Context(), j); !errors.Is(err, ErrBusy) {
		t.Errorf("a circle: %v", err)
	}
}

func TestJoiningIsBounded(t *testing.T) {
	host := func(i int) netip.Prefix {
		return crowd.Address(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	synctest.Test(t, func(t *testing.T) {
		var a admitter
		for range joinBurst {
			if !a.try(host(1)) {
				t.Fatal("refused within the burst")
			}
		}
		if a.try(host(1)) || !a.try(host(2)) {
			t.Error("the rate is not one for each host")
		}
		time.Sleep(time.Second)
		if !a.try(host(1)) || a.try(host(1)) {
			t.Error("one a second")
		}
		for i := range 3 * maxJoinHosts {
			a.try(host(i))
		}
		if len(a.hosts) > maxJoinHosts {
			t.Errorf("%d hosts are remembered", len(a.hosts))
		}
		for range maxJoins {
			if !a.enter() {
				t.Error("refused below the number")
			}
		}
		if a.enter() {
			t.Error("too many at once")
		}
		if a.leave(); !a.enter() {
			t.Error("leaving makes no room")
		}
	})
}

// The joiner says nothing to a cluster that is not the token's: not even which secret it has.
func TestImpostorDoesNotSeeTheToken(t *testing.T) {
	token := newToken(t, bootstrap(t, clusterA, "n1"))
	r := &memberList{addrs: map[string]string{}}
	impostor := bootstrap(t, clusterA, "n1")
	seen := &gate{}
	n1 := open(t, impostor, r, func(c *Config) { c.Admission = tokenSpy{seen, t} })
	err := Join(t.Context(), Joining{Token: token, Addr: n1.Addr().String(), Node: "n2", Advertise: "h:1", Store: nil})
	if !errors.Is(err, ErrForeign) {
		t.Errorf("%v", err)
	}
}

type tokenSpy struct {
	*gate
	t *testing.T
}

func (s tokenSpy) Token([sha256.Size]byte, string) error {
	s.t.Error("an impostor saw the token")
	return ErrTokenUnknown
}

func TestTwoNodesCannotJoinUnderOneID(t *testing.T) {
	r := &memberList{addrs: map[string]string{}}
	id := bootstrap(t, clusterA, "n1")
	token := newToken(t, id)
	g := admission(r, token)
	n1 := open(t, id, r, func(c *Config) { c.Admission = g })
	var wg sync.WaitGroup
	errs := make(chan error, 6)
	for range cap(errs) {
		wg.Go(func() {
			errs <- Join(t.Context(), Joining{Token: token, Addr: n1.Addr().String(), Node: "n2", Advertise: "h:1",
				Store: func(*Identity, Welcome) error { time.Sleep(20 * time.Millisecond); return nil }})
		})
	}
	wg.Wait()
	close(errs)
	joined := 0
	for err := range errs {
		if err == nil {
			joined++
		} else if !errors.Is(err, ErrWiped) && !errors.Is(err, ErrBusy) {
			t.Errorf("%v", err)
		}
	}
	if joined != 1 {
		t.Errorf("%d joined", joined)
	}
}

func FuzzJoinMessages(f *testing.F) {
	key, err := newKey()
	if err != nil {
		f.Fatal(err)
	}
	id := bootstrap(f, clusterA, "n1")
	welcome, err := encodeWelcome(id.authority, id.leaf,
		Welcome{Members: map[string]string{"n1": "h:1"}, Blob: []byte("b")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(welcome)
	f.Add(joinRequest{make([]byte, secretSize), "n2", "h:1", []byte("csr")}.encode())
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := parseJoinRequest(fields(body)); err == nil && !bytes.Equal(r.encode(), body) {
			t.Fatal("a request is written differently")
		}
		if i, _, err := parseWelcome(fields(body), key); err == nil {
			t.Fatalf("a certificate for another key was taken: %s", i.Node)
		}
		_, _ = parseCSR(body)
		_, _ = readVerdict(bytes.NewReader(body))
	})
}

var _ Admission = tokenSpy{}
