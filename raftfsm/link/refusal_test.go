package link

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/internal/rafttest"
)

// stranger dials the port of "n1" as somebody with the given identity and configuration edits would, and greets.
func stranger(t *testing.T, addr string, id *Identity, proto string, edit func(*tls.Config)) error {
	t.Helper()
	conf := &tls.Config{InsecureSkipVerify: true}
	if proto != "" {
		conf.NextProtos = []string{proto}
	}
	if id != nil {
		cert := tls.Certificate{Certificate: [][]byte{id.leaf.Raw, id.authority.cert.Raw}, PrivateKey: id.key}
		conf.Certificates = []tls.Certificate{cert}
	}
	if edit != nil {
		edit(conf)
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addr, conf)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, err = greet(conn, newIncarnation())
	return err
}

func TestStrangersAreRefusedBeforeAnythingIsDecoded(t *testing.T) {
	r := &memberList{addrs: map[string]string{}}
	own := bootstrap(t, clusterA, "n1")
	handled := make(chan string, 100)
	n1 := open(t, own, r, func(c *Config) {
		c.Handler = handler(func(_ context.Context, peer string, _ byte, _ []byte) ([]byte, error) {
			handled <- peer
			return nil, nil
		})
	})
	transport := n1.Transport(rafttest.Quiet)
	go func() {
		for rpc := range transport.Consumer() {
			handled <- "raft"
			rpc.Respond(&raft.TimeoutNowResponse{}, nil)
		}
	}()
	n2 := member(t, own, "n2")
	r.set("n2", "127.0.0.1:1")
	r.set("removed", "127.0.0.1:1")
	r.remove("removed")
	sameCA := *own.authority
	sameCA.Cluster = clusterB
	otherCluster := issuedBy(t, &sameCA, "n2", time.Now())
	mixed := member(t, own, "n2")
	mixed.key = bootstrap(t, clusterA, "n2").key

	for _, proto := range []string{protoRaft, protoCall} {
		for name, c := range map[string]struct {
			id   *Identity
			edit func(*tls.Config)
			want outcome
		}{
			"member":                 {n2, nil, outcome{ok: true}},
			"no certificate":         {nil, nil, outcome{}},
			"foreign authority":      {bootstrap(t, clusterA, "n2"), nil, outcome{}},
			"own authority, removed": {member(t, own, "removed"), nil, outcome{is: ErrNotMember}},
			"own authority, no node": {member(t, own, "n9"), nil, outcome{is: ErrNotMember}},
			"wrong cluster":          {otherCluster, nil, outcome{}},
			"expired":                {issued(t, own, "n2", time.Now().Add(-48*time.Hour), 24*time.Hour), nil, outcome{}},
			"not yet valid":          {issued(t, own, "n2", time.Now().Add(time.Hour), 24*time.Hour), nil, outcome{}},
			"clock 5 min behind": {issued(t, own, "n2", time.Now().Add(5*time.Minute), 24*time.Hour), nil,
				outcome{ok: true}},
			"key of another":          {mixed, nil, outcome{}},
			"the authority as member": {authorityAsLeaf(own), nil, outcome{}},
			"this node's own id":      {member(t, own, "n1"), nil, outcome{is: ErrCloned}},
			"TLS 1.2":                 {n2, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, outcome{}},
			"no protocol":             {n2, func(c *tls.Config) { c.NextProtos = nil }, outcome{}},
			"unknown protocol":        {n2, func(c *tls.Config) { c.NextProtos = []string{"h2"} }, outcome{}},
			"joining and more":        {nil, func(c *tls.Config) { c.NextProtos = []string{protoJoin, proto} }, outcome{}},
		} {
			err := stranger(t, n1.Addr().String(), c.id, proto, c.edit)
			if (err == nil) != c.want.ok || c.want.is != nil && !errors.Is(err, c.want.is) {
				t.Errorf("%s, %s: %v", proto, name, err)
			}
		}
	}
	if len(handled) > 0 {
		t.Errorf("handled a request of %s", <-handled)
	}
}

// outcome is what a stranger gets: welcome, some error, or a named one.
type outcome struct {
	ok bool
	is error
}

func issuedBy(t *testing.T, a *Authority, node string, now time.Time) *Identity {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := a.issue(node, key.Public(), now, CertificateLife)
	if err != nil {
		t.Fatal(err)
	}
	return &Identity{authority: a, key: key, leaf: leaf}
}

func authorityAsLeaf(of *Identity) *Identity {
	return &Identity{authority: of.authority, key: of.authority.key, leaf: of.authority.cert}
}

func TestGarbageInsteadOfTLSIsClosed(t *testing.T) {
	n1, _, _ := pair(t, nil)
	transport := n1.Transport(rafttest.Quiet)
	for _, garbage := range []string{
		"GET / HTTP/1.1\r\n\r\n",
		"\x04\x80\x80\x80\x80\x80", // raft's TimeoutNow, as msgpack
		"\x00\xc6\x40\x00\x00\x00", // AppendEntries with 1 GiB announced
		string(make([]byte, 100000)),
	} {
		conn, err := net.Dial("tcp", n1.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(3 * time.Second))
		go conn.Write([]byte(garbage))
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			t.Errorf("%.20q: the connection stays", garbage)
		}
		conn.Close()
	}
	select {
	case rpc := <-transport.Consumer():
		t.Errorf("raft got %+v", rpc)
	default:
	}
}

func isTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}

func TestAnotherMembersAddressIsNotTakenForTheOneThatWasMeant(t *testing.T) {
	n1, n2, r := pair(t, nil)
	n3 := open(t, member(t, n1.id, "n3"), r, nil)
	r.set("n3", n2.Addr().String()) // the certificate of n2 is presented for n3's address
	if _, err := n1.Call(within(t, 5*time.Second), "n3", 1, nil); !errors.Is(err, ErrWrongNode) ||
		!errors.Is(err, ErrNotDone) {
		t.Errorf("call: %v", err)
	}
	transport := n1.Transport(rafttest.Quiet)
	err := transport.RequestVote("n3", "ignored", &raft.RequestVoteRequest{}, &raft.RequestVoteResponse{})
	if !errors.Is(err, ErrWrongNode) {
		t.Errorf("raft: %v", err)
	}
	_ = n3
}

func TestRemovedMembersLiveConnectionsEnd(t *testing.T) {
	b := &blocked{}
	n1, n2, r := pair(t, func(c *Config) { c.Handler = b })
	errs := make(chan error, 2)
	go func() { _, err := n2.Call(t.Context(), "n1", 0, nil); errs <- err }()
	soon(t, "the handler runs", func() bool { return b.begun.Load() == 1 })
	transport := n1.Transport(rafttest.Quiet)
	peer := n2.Transport(rafttest.Quiet)
	go func() {
		errs <- peer.RequestVote("n1", "", &raft.RequestVoteRequest{}, &raft.RequestVoteResponse{})
	}()
	<-transport.Consumer() // never answered
	n1.Recheck()
	time.Sleep(50 * time.Millisecond)
	if len(errs) > 0 {
		t.Fatalf("a member's connection ended: %v", <-errs)
	}
	r.remove("n2")
	n1.Recheck()
	for range 2 {
		select {
		case err := <-errs:
			if err == nil {
				t.Error("no error")
			}
		case <-time.After(2 * time.Second):
			t.Fatal("a connection of a removed node lives")
		}
	}
}
