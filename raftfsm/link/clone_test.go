package link

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/internal/rafttest"
)

// refusals collects what Refused was told.
type refusals struct {
	mu   sync.Mutex
	errs []error
}

func (r *refusals) add(_ string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func (r *refusals) is(want error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, err := range r.errs {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// A data directory was copied, and both nodes were started.
func TestYoungerOfTwoProcessesWithOneNodeIDIsRefused(t *testing.T) {
	n1, n2, r := pair(t, nil)
	if _, err := n2.Call(within(t, 5*time.Second), "n1", 1, nil); err != nil {
		t.Fatal(err)
	}
	at, _ := r.Member("n2")
	var told refusals
	clone := open(t, n2.id, r, func(c *Config) { c.Refused = told.add })
	r.set("n2", at) // the configuration does not know of the clone's address
	if _, err := clone.Call(within(t, 5*time.Second), "n1", 1, nil); !errors.Is(err, ErrCloned) ||
		!errors.Is(err, ErrNotDone) {
		t.Errorf("the clone: %v", err)
	}
	if !told.is(ErrCloned) {
		t.Error("the clone was not told")
	}
	if _, err := n2.Call(within(t, 5*time.Second), "n1", 1, nil); err != nil {
		t.Errorf("the original: %v", err)
	}
	if _, err := n1.Call(within(t, 5*time.Second), "n2", 1, nil); err != nil {
		t.Errorf("to the original: %v", err)
	}
}

// The clone may be the first that a member sees. The elder still wins, on every member.
func TestElderProcessDisplacesTheYounger(t *testing.T) {
	r := &memberList{addrs: map[string]string{}}
	id := bootstrap(t, clusterA, "n1")
	elder := open(t, member(t, id, "n2"), r, nil)
	younger := open(t, elder.id, r, nil)
	n1 := open(t, id, r, nil)
	if _, err := younger.Call(within(t, 5*time.Second), "n1", 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := elder.Call(within(t, 5*time.Second), "n1", 1, nil); err != nil {
		t.Fatalf("the elder: %v", err)
	}
	soon(t, "the younger is refused", func() bool {
		_, err := younger.Call(within(t, 5*time.Second), "n1", 1, nil)
		return errors.Is(err, ErrCloned)
	})
	if _, err := elder.Call(within(t, 5*time.Second), "n1", 1, nil); err != nil {
		t.Fatalf("the elder, after the younger: %v", err)
	}
	_ = n1
}

func TestRestartedProcessIsNoClone(t *testing.T) {
	n1, n2, r := pair(t, nil)
	var told refusals
	for range 5 {
		if _, err := n2.Call(within(t, 5*time.Second), "n1", 1, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := n1.Call(within(t, 5*time.Second), "n2", 1, nil); err != nil {
			// n1 may still hold a connection to the process that ended.
			soon(t, "n2 is reached", func() bool {
				_, err := n1.Call(within(t, 5*time.Second), "n2", 1,
					nil)
				return err == nil
			})
		}
		n2.Close()
		n2 = open(t, n2.id, r, func(c *Config) { c.Refused = told.add })
	}
	if told.is(ErrCloned) {
		t.Errorf("refused: %v", told.errs)
	}
}

// raft keeps idle connections that nobody reads: their other end may be long gone.
func TestIdleConnectionToTheOldProcessIsNoProofOfLife(t *testing.T) {
	n1, n2, r := pair(t, nil)
	sender, receiver := n1.Transport(rafttest.Quiet), n2.Transport(rafttest.Quiet)
	go func() { rpc := <-receiver.Consumer(); rpc.Respond(&raft.RequestVoteResponse{}, nil) }()
	if err := sender.RequestVote("n2", "", &raft.RequestVoteRequest{}, &raft.RequestVoteResponse{}); err != nil {
		t.Fatal(err)
	}
	n2.Close()
	n2 = open(t, n2.id, r, nil)
	if _, err := n2.Call(within(t, 5*time.Second), "n1", 1, nil); err != nil {
		t.Errorf("the new process: %v", err)
	}
}

// A process that is restarted at once may be back before the end of its predecessor's connections was noticed.
func TestRefusalOfACloneWaitsForThePredecessorToGo(t *testing.T) {
	n1, n2, _ := pair(t, nil)
	here, _ := net.Pipe()
	old := &peerConn{Conn: tls.Client(here, nil), peer: "n2", process: incarnation{started: 1}, proves: true}
	if err := n1.peers.add(old); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(cloneWait/4, func() { old.Close() })
	if _, err := n2.Call(within(t, 5*time.Second), "n1", 1, nil); err != nil {
		t.Errorf("%v", err)
	}
}

func TestOfTwoIncarnationsExactlyOneIsTheYounger(t *testing.T) {
	a, b := newIncarnation(), newIncarnation()
	b.started = a.started // by two clocks
	if a.younger(b) == b.younger(a) || a.younger(a) {
		t.Error("no order")
	}
	if got := parseIncarnation(a.append(nil)); got != a {
		t.Errorf("read as %+v", got)
	}
}

// A node slept through a change of the whole cluster but one: the new leader n4 is a stranger to n3.
func TestMemberThatIsBehindLearnsOfTheNewOnes(t *testing.T) {
	id := bootstrap(t, clusterA, "n2")
	newer := &memberList{addrs: map[string]string{}, index: 90}
	n2 := open(t, id, newer, nil)
	n4 := open(t, member(t, id, "n4"), newer, nil)
	old := &memberList{addrs: map[string]string{"n1": "127.0.0.1:1", "n2": n2.Addr().String()}, index: 10}
	n3 := open(t, member(t, id, "n3"), old, nil)
	newer.set("n3", n3.Addr().String())

	_, err := n4.Call(within(t, 5*time.Second), "n3", 1, nil)
	if !errors.Is(err, ErrNotMember) {
		t.Errorf("at first: %v", err)
	}
	soon(t, "n3 takes n4 for a member", func() bool {
		_, err := n4.Call(within(t, 5*time.Second), "n3", 1, nil)
		return err == nil
	})
	if _, err := n3.Call(within(t, 5*time.Second), "n4", 1, nil); err != nil {
		t.Errorf("back: %v", err)
	}
}

// A node that was removed finds one that has not heard of it: that one does not bring it back in.
func TestMemberThatIsBehindDoesNotVouch(t *testing.T) {
	id := bootstrap(t, clusterA, "n1")
	newer, older := &memberList{addrs: map[string]string{}, index: 90}, &memberList{addrs: map[string]string{}, index: 10}
	n1 := open(t, id, newer, nil)
	behind := open(t, member(t, id, "n2"), older, nil)
	removed := open(t, member(t, id, "n3"), older, nil)
	older.set("n1", n1.Addr().String())
	newer.set("n2", behind.Addr().String())
	for range 3 {
		if _, err := removed.Call(within(t, 5*time.Second), "n1", 1, nil); !errors.Is(err, ErrNotMember) &&
			!errors.Is(err, ErrNotDone) {
			t.Fatalf("%v", err)
		}
		time.Sleep(150 * time.Millisecond)
	}
	if addr, ok := n1.known.member("n3"); ok {
		t.Errorf("n1 takes n3 at %s for a member", addr)
	}
	if _, err := removed.Call(within(t, 5*time.Second), "n2", 1, nil); err != nil {
		t.Errorf("the one that is behind, which still has it: %v", err)
	}
}
