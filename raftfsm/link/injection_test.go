package link

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/internal/rafttest"
)

// tape is a raft.StreamLayer that keeps what is sent.
type tape struct {
	done chan struct{}
	mu   sync.Mutex
	sent bytes.Buffer
}

type tapeConn struct {
	net.Conn
	tape *tape
}

func (c tapeConn) Write(b []byte) (int, error) {
	c.tape.mu.Lock()
	defer c.tape.mu.Unlock()
	return c.tape.sent.Write(b)
}

func (l *tape) Accept() (net.Conn, error) { <-l.done; return nil, net.ErrClosed }
func (l *tape) Close() error              { close(l.done); return nil }
func (*tape) Addr() net.Addr              { return advertised("nobody:1") }
func (l *tape) Dial(raft.ServerAddress, time.Duration) (net.Conn, error) {
	here, there := net.Pipe()
	there.Close() // no answer
	return tapeConn{here, l}, nil
}

// encoded is what raft itself sends for a request.
func encoded(send func(raft.Transport) error) []byte {
	l := &tape{done: make(chan struct{})}
	t := raft.NewNetworkTransport(l, 1, time.Second, io.Discard)
	_ = send(t) // it gets no answer
	_ = t.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.sent.Bytes())
}

// injections are requests that would take a cluster apart, as raft encodes them, and announcements of 1 GiB.
func injections(term uint64, as *replica) map[string][]byte {
	header := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(as.id.Node),
		Addr: []byte(as.port.config.Advertise)}
	return map[string][]byte{
		"TimeoutNow": encoded(func(t raft.Transport) error {
			return t.TimeoutNow("", "", &raft.TimeoutNowRequest{RPCHeader: header}, &raft.TimeoutNowResponse{})
		}),
		"RequestVote": encoded(func(t raft.Transport) error {
			req := raft.RequestVoteRequest{RPCHeader: header, Term: term, LastLogIndex: 1 << 40, LastLogTerm: term,
				LeadershipTransfer: true}
			return t.RequestVote("", "", &req, &raft.RequestVoteResponse{})
		}),
		"AppendEntries": encoded(func(t raft.Transport) error {
			return t.AppendEntries("", "", &raft.AppendEntriesRequest{RPCHeader: header, Term: term},
				&raft.AppendEntriesResponse{})
		}),
		"1 GiB in msgpack": append([]byte{0, 0x81, 0xa6}, "Leader\xc6\x40\x00\x00\x00"...), // AppendEntries
		"1 GiB in a frame": binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte{byte(kindRequest)}, 1), 1<<30),
	}
}

// inject connects as somebody, sends, and waits until the other side ends it, or for a moment.
func inject(t *testing.T, addr string, id *Identity, proto string, greets bool, payload []byte) (ended bool) {
	t.Helper()
	conf := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{proto}}
	if id != nil {
		conf.Certificates = []tls.Certificate{{Certificate: [][]byte{id.leaf.Raw, id.authority.cert.Raw}, PrivateKey: id.key}}
	}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", addr, conf)
	if err != nil {
		return true
	}
	defer conn.Close()
	if greets {
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = conn.Write(newIncarnation().append(nil))
		_, _ = io.CopyN(io.Discard, conn, answerSize)
	}
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write(payload)
	_, err = io.Copy(io.Discard, conn)
	return !isTimeout(err)
}

// memory is what the process has taken from the system and not given back: an allocation of 1 GiB shows, also when it
// is free again.
func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}

// Whoever is no member gets nothing to raft or to the calls: no vote, no term, no memory (T29 of reliability.md).
func TestStrangersInjectNothing(t *testing.T) {
	nodes := group(t, 1)
	l := leader(t, nodes)
	members := l.port.config.Members.(*memberList)
	own := nodes[0].id
	members.set("gone", "127.0.0.1:1")
	members.remove("gone")
	strangers := map[string]*Identity{
		"no certificate": nil, "foreign authority": bootstrap(t, clusterA, "n2"),
		"removed": member(t, own, "gone"), "never a member": member(t, own, "n9"),
	}
	term := l.raft.CurrentTerm()
	tried := 0
	storm := func() {
		for name, id := range strangers {
			for what, payload := range injections(term+1000, others(nodes, l)[0]) {
				for i, n := range nodes {
					proto := []string{protoRaft, protoCall}[(tried+i)%2]
					greets := len(payload) < incarnationSize || tried%3 == 0 // else it waits for the rest of the greeting
					if tried++; !inject(t, n.port.config.Advertise, id, proto, greets, payload) {
						t.Errorf("%s, %s over %s: the connection stays", name, what, proto)
					}
				}
			}
		}
	}
	storm() // TLS itself takes some
	before := memory()
	for range 3 {
		storm()
	}
	if grown := int64(memory() - before); grown > 8<<20 {
		t.Errorf("%d attempts took %d bytes, want at most 8 MiB", tried, grown)
	} else {
		t.Logf("%d attempts, the last three quarters took %d KiB", tried, grown>>10)
	}
	for _, n := range nodes {
		if got := n.raft.CurrentTerm(); got != term {
			t.Errorf("%s is in term %d, was in %d", n.id.Node, got, term)
		}
	}
	if l.raft.State() != raft.Leader || l.raft.VerifyLeader().Error() != nil {
		t.Error("the leader leads no more")
	}

	// The control: from a member, the same bytes depose the leader.
	members.set("n4", "127.0.0.1:1")
	inject(t, l.port.config.Advertise, member(t, own, "n4"), protoRaft, true,
		injections(term+1000, others(nodes, l)[0])["RequestVote"])
	soon(t, "the control shows that the bytes mean something", func() bool { return l.raft.CurrentTerm() >= term+1000 })
}

// A member that announces 1 GiB gets no memory for it either, only for what arrives.
func TestAnnouncedLengthsTakeNoMemory(t *testing.T) {
	n1, n2, _ := pair(t, nil)
	n1.Transport(rafttest.Quiet)
	before := memory()
	for what, payload := range injections(1, &replica{id: n2.id, port: n2}) {
		if what[0] == '1' {
			inject(t, n1.config.Advertise, n2.id, protoRaft, true, payload)
			inject(t, n1.config.Advertise, n2.id, protoCall, true, payload)
		}
	}
	if grown := int64(memory() - before); grown > 8<<20 {
		t.Errorf("it took %d bytes, want at most 8 MiB", grown)
	}
	before = memory()
	runtime.KeepAlive(make([]byte, 1<<30))
	if memory()-before < 1<<29 {
		t.Error("the control shows nothing: 1 GiB was allocated, and is not seen")
	}
}
