package raftfsm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/graph"
	"hpfriends/raftfsm/link"
)

// ask has a new node join with a token, without starting it.
func (c *portCluster) ask(token link.Token, id, by string) error {
	c.t.Helper()
	return c.askFrom(c.t.TempDir(), token, id, by)
}

func (c *portCluster) askFrom(dir string, token link.Token, id, by string) error {
	c.t.Helper()
	l := c.listen()
	defer l.Close()
	return Join(c.t.Context(), Joining{
		Dir: dir, NodeID: id, Token: token, Addr: c.nodes[by].Members().Advertised(), Advertise: l.Addr().String(),
		Key: func([]byte) error { return nil },
	})
}

// A token lets in as many nodes as was said, one if nothing was; whoever comes with it later is told by whom it was
// used, that somebody removed it, or that it is unknown. It is the same on every member, also on one that was asked to
// make it and does not lead.
func TestJoinTokenIsUsedUp(t *testing.T) {
	c := newPortCluster(t, "n1")
	ctx := t.Context()
	make := func(by string, uses int) (link.Token, string) {
		t.Helper()
		token, id, err := c.nodes[by].Members().NewJoinToken(ctx, time.Hour, uses, "root")
		if err != nil {
			t.Fatal(err)
		}
		return token, id
	}
	c.join("n2", "n1", vfs.NewMem(), Cluster{})
	c.until("n2 has a vote", 20*time.Second, func() bool { return c.votes("n2", "n1") })

	one, id := make("n2", 1)
	if err := c.ask(one, "a1", "n2"); err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"n1", "n2"} {
		err := c.ask(one, "a2", by)
		if !errors.Is(err, link.ErrTokenUsed) || !strings.Contains(err.Error(), "by a1 at ") {
			t.Errorf("used, at %s: %v", by, err)
		}
	}
	if err := c.ask(one, "a1", "n1"); !errors.Is(err, link.ErrWiped) {
		t.Errorf("the node that used it comes again: %v", err)
	}

	two, _ := make("n1", 2)
	if err := errors.Join(c.ask(two, "b1", "n1"), c.ask(two, "b2", "n1")); err != nil {
		t.Errorf("a token for two: %v", err)
	}
	if err := c.ask(two, "b3", "n1"); !errors.Is(err, link.ErrTokenUsed) {
		t.Errorf("a token for two, the third: %v", err)
	}

	gone, id2 := make("n1", 1)
	for _, id := range []string{id, id2} { // a used one may be removed, too
		if err := c.nodes["n2"].Members().RemoveJoinToken(ctx, id, "eve"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.ask(gone, "c1", "n1"); !errors.Is(err, link.ErrTokenRemoved) || !strings.Contains(err.Error(), "by eve") {
		t.Errorf("removed: %v", err)
	}
	if err := c.ask(one, "a2", "n1"); !errors.Is(err, link.ErrTokenRemoved) {
		t.Errorf("used, then removed: %v", err)
	}
	var refusal *graph.Error
	if err := c.nodes["n2"].Members().RemoveJoinToken(ctx, id2, "eve"); !errors.As(err, &refusal) ||
		refusal.Code != graph.NotFound {
		t.Errorf("removed twice: %v", err)
	}
	unknown, err := link.NewToken(c.nodes["n1"].members.net.(*link.Port).Identity(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ask(unknown, "d1", "n1"); !errors.Is(err, link.ErrTokenUnknown) {
		t.Errorf("unknown: %v", err)
	}
	all, err := c.nodes["n2"].Members().JoinTokens()
	if err != nil || len(all) != 4 { // that of n2, and these three
		t.Fatalf("%v, %v", all, err)
	}
	for _, uses := range []int{0, MaxTokenUses + 1} {
		if _, _, err := c.nodes["n1"].Members().NewJoinToken(ctx, time.Hour, uses, "root"); err == nil {
			t.Errorf("a token for %d nodes was made", uses)
		}
	}
}

// Two that come with one token at the same time: the log decides which of them gets the cluster's keys.
func TestOneTokenAtTheSameTimeLetsInOne(t *testing.T) {
	c := newPortCluster(t, "n1")
	token, _, err := c.nodes["n1"].Members().NewJoinToken(t.Context(), time.Hour, 1, "root")
	if err != nil {
		t.Fatal(err)
	}
	const racers = 6
	errs := make(chan error, racers)
	for _, id := range strings.Fields("r1 r2 r3 r4 r5 r6") {
		dir, l := t.TempDir(), c.listen()
		defer l.Close()
		go func() {
			errs <- Join(context.WithoutCancel(t.Context()), Joining{
				Dir: dir, NodeID: id, Token: token, Addr: c.nodes["n1"].Members().Advertised(), Advertise: l.Addr().String(),
				Key: func([]byte) error { return nil },
			})
		}()
	}
	in := 0
	for range racers {
		if err := <-errs; err == nil {
			in++
		} else if !errors.Is(err, link.ErrTokenUsed) {
			t.Errorf("turned away by %v", err)
		}
	}
	if in != 1 {
		t.Errorf("%d nodes came in by a token for one", in)
	}
}

// What a joiner was answered may be lost: it comes again under its id, and the token is still good for it. For nobody
// else it is.
func TestNodeWhoseAnswerWasLostJoinsWithItsTokenAgain(t *testing.T) {
	c := newPortCluster(t, "n1")
	m := c.nodes["n1"].Members()
	token, _, err := m.NewJoinToken(t.Context(), time.Hour, 1, "root")
	if err != nil {
		t.Fatal(err)
	}
	lost := errors.New("the disk is full")
	dir, l := t.TempDir(), c.listen()
	defer l.Close()
	err = Join(t.Context(), Joining{
		Dir: dir, NodeID: "n2", Token: token, Addr: m.Advertised(), Advertise: l.Addr().String(),
		Key: func([]byte) error { return lost },
	})
	if !errors.Is(err, lost) {
		t.Fatal(err)
	}
	if err := c.ask(token, "thief", "n1"); !errors.Is(err, link.ErrTokenUsed) {
		t.Errorf("somebody else: %v", err)
	}
	if err := c.askFrom(dir, token, "n2", "n1"); err != nil {
		t.Errorf("the node itself: %v", err)
	}
}
