package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/store"
	"hpfriends/raftfsm/survey"
)

// ErrDiverged means that this node's log or state differs from what most of its cluster has. It must neither vote nor
// serve.
var ErrDiverged = errors.New("raftfsm: this node differs from the others")

const (
	divergeEvery = 2 * time.Second
	keyDiverged  = "hpfriends/diverged"
)

// watchDivergence compares what this node found at its checkpoints with the others, and ends the process when it is the
// odd one. The finding is kept: a restart heals nothing.
func (m *Members) watchDivergence() {
	tick := time.NewTicker(divergeEvery)
	defer tick.Stop()
	var judged, told uint64
	for {
		select {
		case <-tick.C:
		case <-m.node.stop:
			return
		}
		mine := m.node.checkpointer.recent()
		if len(mine) == 0 || mine[len(mine)-1].Index == judged {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), reportTimeout)
		v := survey.Judge(apply.StateFormat, m.node.id, mine, m.survey(ctx))
		cancel()
		if v.Odd {
			m.diverged(v)
			return
		}
		if v.Against > 0 && v.Index != told {
			told = v.Index
			m.node.slog.Error("members of the cluster differ, and no majority agrees: compare them with `hpfriends check`",
				"checkpoint", v.Index, "what", v.What, "members", v.Against)
		}
		if v.Settled {
			judged = mine[len(mine)-1].Index
		}
	}
}

func (m *Members) diverged(v survey.Verdict) {
	err := fmt.Errorf("%w: at entry %d its %s is not that of %d other members. The cluster goes on without it: remove "+
		"it there, "+
		"empty its data directory and join it under a new node id", ErrDiverged, v.Index, v.What, v.Against)
	if stored := m.node.stable.Set([]byte(keyDiverged), []byte(err.Error())); stored != nil {
		err = errors.Join(err, stored)
	}
	m.node.fail(err)
}

// quarantined is the finding with which this node stopped, if it did.
func quarantined(s *store.Stable) error {
	why, err := s.Lookup([]byte(keyDiverged))
	if err != nil || why == nil {
		return err
	}
	return fmt.Errorf("%w: found before this start: %s", ErrDiverged, why)
}
