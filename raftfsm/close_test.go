package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/graph"
)

// What is under way when a node closes is answered, and not with a promise, although the disk hangs: raft leaves
// futures unanswered (2.2 of reliability.md).
func TestProposalsAreAnsweredWhenTheNodeCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimulation(t, 1, "n1")
		w.form()
		c := w.nodes["n1"]
		node, release := c.node, c.jam()
		answers := make(chan error, 300)
		for i := range cap(answers) {
			go func() {
				_, err := node.Change(context.Background(), graph.Command{By: operator,
					Op: graph.AddUser{Handle: fmt.Sprintf("user%d", i)}})
				answers <- err
			}()
		}
		time.Sleep(time.Second)
		closed := make(chan struct{})
		go func() { c.stop(); close(closed) }()
		time.Sleep(time.Second)
		if len(answers) != cap(answers) {
			t.Errorf("%d of %d proposals are answered a second after the node began to close", len(answers), cap(answers))
		}
		release()
		<-closed
		for range cap(answers) {
			if err := <-answers; !errors.Is(err, ErrUnknownOutcome) && !errors.Is(err, ErrUnavailable) &&
				!errors.Is(err, ErrClosed) {
				t.Errorf("a proposal that was under way ended with %v", err)
			}
		}
		time.Sleep(time.Minute)
	})
}
