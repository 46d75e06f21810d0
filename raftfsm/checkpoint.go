package raftfsm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/retention"
	"hpfriends/raftfsm/survey"
)

const (
	checkpointEvery = 20 * time.Millisecond // is how often it is looked whether one is due, while entries come
	// compareEvery is how often the nodes of a cluster compare their state.
	compareEvery = 20 * time.Second
	// keepAgain is how long a kept checkpoint may take to be stored.
	keepAgain = 5 * time.Second
	// foundMost is how many checkpoints a node remembers: others may be behind.
	foundMost = 16
	// digestEntries are hashed at once: up to 16 MiB.
	digestEntries = 64
)

// checkpointer proposes checkpoints while this node leads, and looks at those that were applied.
type checkpointer struct {
	node     *Node
	ctx      context.Context // ends with the node
	end      context.CancelFunc
	proposed time.Time // these three: of the goroutine that proposes
	looked   time.Time
	applied  uint64
	mu       sync.Mutex
	found    []survey.Checkpoint // newest last
}

func (c *checkpointer) init(n *Node) {
	c.node = n
	c.ctx, c.end = context.WithCancel(context.Background())
}

// run ends with the node.
func (c *checkpointer) run() {
	defer c.node.loops.Done()
	var looking sync.WaitGroup
	defer looking.Wait()
	looking.Go(c.lookAtAll)
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case now := <-tick.C:
			if applied := c.node.log.Applied(); applied != c.applied || now.Sub(c.looked) >= retention.Every {
				c.applied, c.looked = applied, now
				c.propose(now)
			}
		}
	}
}

func (c *checkpointer) lookAtAll() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case p := <-c.node.fsm.Pins():
			if err := c.look(p); err != nil && c.ctx.Err() == nil {
				c.node.slog.Error("checkpoint", "index", p.Index, "err", err)
			}
		}
	}
}

// look digests what is pinned, and keeps it if it is to be kept. What is damaged has no hash that another node has.
func (c *checkpointer) look(p *apply.Pin) error {
	defer p.View.Close()
	if p.Kept {
		if err := p.Keep(c.node.log); err != nil {
			return err
		}
	}
	if c.node.members == nil {
		return nil
	}
	found := survey.Checkpoint{Index: p.Index}
	var err error
	if found.Log, err = c.digest(p); err != nil {
		return err
	}
	state, err := apply.DigestControlState(p.View, p.Term)
	if err != nil {
		return err
	}
	found.State = hex.EncodeToString(state[:])
	c.mu.Lock()
	c.found = append(c.found[max(0, len(c.found)-foundMost+1):], found)
	c.mu.Unlock()
	return nil
}

// digest hashes the entries since the checkpoint before, in stretches that are the same on all nodes; empty if some
// cannot be known. After each it rests as long as that took: messages come first.
func (c *checkpointer) digest(p *apply.Pin) (string, error) {
	all := sha256.New()
	for from := p.After + 1; from <= p.Index; from += digestEntries {
		begin := time.Now()
		sum, err := p.View.Digest(c.ctx, from, min(from+digestEntries-1, p.Index))
		switch {
		case errors.Is(err, eventlog.ErrBelowFloor), eventlog.DamagedBlock(err) > 0:
			return "", nil // a block comes back from the others, who differ in nothing else
		case eventlog.IsDamage(err):
			c.node.slog.Error("the log on this node's disk is damaged", "err", err)
			return "damaged", nil
		case err != nil:
			return "", err
		}
		all.Write(sum[:])
		select {
		case <-time.After(time.Since(begin)):
		case <-c.ctx.Done():
			return "", c.ctx.Err()
		}
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// recent are the checkpoints that this node has looked at, newest last.
func (c *checkpointer) recent() []survey.Checkpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.found)
}

// propose proposes a checkpoint that is due.
func (c *checkpointer) propose(now time.Time) {
	n := c.node
	if !n.Leading() {
		c.proposed = now // a new leader waits as long as the last one would have
		return
	}
	stamp := n.clock.Now()
	kept, err := c.keepDue(stamp)
	if err != nil {
		n.slog.Error("checkpoint", "err", err)
		return
	}
	if !kept && !c.compareDue(now) {
		return
	}
	c.proposed = now
	ctx, cancel := context.WithTimeout(c.ctx, 10*time.Second)
	defer cancel()
	e := entry.Checkpoint{Kept: kept, Time: stamp}
	if _, err := n.propose(ctx, e.Encode()); err != nil && !errors.Is(err, ErrUnavailable) &&
		!errors.Is(err, ErrUnknownOutcome) && !errors.Is(err, ErrClosed) {
		n.slog.Error("checkpoint", "err", err)
	}
}

// compareDue reports whether there is something to compare, and somebody to compare it with.
func (c *checkpointer) compareDue(now time.Time) bool {
	n := c.node
	return n.members != nil && n.Full() == nil && now.Sub(c.proposed) >= compareEvery &&
		n.log.Applied() > n.fsm.CheckpointMark().Index && len(n.members.dir.servers()) > 1
}

// keepDue reports whether a share of what retention keeps has come since the last kept checkpoint; or whether there is
// none to send, in a log that was cut by another retention than today's.
func (c *checkpointer) keepDue(now time.Time) (bool, error) {
	n := c.node
	policy := n.keeper.Policy
	if policy.Unlimited() {
		return c.needed(now)
	}
	last := n.fsm.CheckpointMark()
	batches, err := n.log.Next(everything, last.Kept+1, 1)
	if err != nil || len(batches) == 0 {
		return false, err
	}
	since := now.Sub(last.KeptAt) // below 0: the clock of the one who proposed it was ahead
	if age := policy.Age; age > 0 && (since < 0 || since >= max(age/retention.Share, retention.Every)) {
		return true, nil
	}
	if policy.Size == 0 {
		return false, nil
	}
	all, err := n.log.Retention().Size()
	if err != nil {
		return false, err
	}
	before, err := n.log.Retention().SizeBelow(last.Kept + 1)
	return all-before >= max(policy.Size/retention.Share, 1), err
}

// needed reports whether a node that needs entries below the floor could get nothing in their place.
func (c *checkpointer) needed(now time.Time) (bool, error) {
	if c.node.log.Floor() == 1 || now.Sub(c.proposed) < keepAgain {
		return false, nil
	}
	_, err := c.node.log.Checkpoints().ForFloor()
	if errors.Is(err, eventlog.ErrNotFound) {
		return true, nil
	}
	return false, err
}
