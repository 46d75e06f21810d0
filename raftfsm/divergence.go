package raftfsm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/store"
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
		v := judge(m.node.id, mine, m.survey(ctx))
		cancel()
		if v.odd {
			m.diverged(v)
			return
		}
		if v.against > 0 && v.index != told {
			told = v.index
			m.node.slog.Error("members of the cluster differ, and no majority agrees: compare them with `hpfriends check`",
				"checkpoint", v.index, "what", v.what, "members", v.against)
		}
		if v.settled {
			judged = mine[len(mine)-1].Index
		}
	}
}

func (m *Members) diverged(v verdict) {
	err := fmt.Errorf("%w: at entry %d its %s is not that of %d other members. The cluster goes on without it: remove "+
		"it there, "+
		"empty its data directory and join it under a new node id", ErrDiverged, v.index, v.what, v.against)
	if stored := m.node.stable.Set([]byte(keyDiverged), []byte(err.Error())); stored != nil {
		err = errors.Join(err, stored)
	}
	m.node.fail(err)
}

// verdict is what the comparison of checkpoints says of a node.
type verdict struct {
	index   uint64 // of the newest checkpoint at which it differs
	what    string // what differs
	against int    // voters that agree on something else there
	odd     bool   // they are a majority
	settled bool   // all who can say something of its newest checkpoint have done so
}

// judge compares a node's checkpoints, newest last, with those of the members that write their state in the same
// format: another may write the same with other bytes.
func judge(self string, mine []Checkpoint, members []Member) (v verdict) {
	voters := 0
	for _, member := range members {
		if member.Role != RoleNonvoter {
			voters++
		}
	}
	others := slices.DeleteFunc(slices.Clone(members), func(o Member) bool {
		return o.ID == self || o.Err != nil || o.Report.StateFormat != apply.StateFormat
	})
	v.settled = len(others) > 0
	for _, o := range others {
		_, known := checkpointAt(o.Report.Checkpoints, mine[len(mine)-1].Index)
		v.settled = v.settled && known
	}
	for i := len(mine) - 1; i >= 0 && v.against == 0; i-- {
		v.index = mine[i].Index
		v.what, v.against = against(mine[i], others)
		v.odd = v.against > voters/2
	}
	return v
}

// against is how many voters agree on something else than c.
func against(c Checkpoint, others []Member) (what string, most int) {
	count := make(map[Checkpoint]int)
	for _, o := range others {
		theirs, known := checkpointAt(o.Report.Checkpoints, c.Index)
		differs := theirs.differs(c)
		if !known || differs == "" || o.Role == RoleNonvoter {
			continue
		}
		theirs.Log = cmp.Or(theirs.Log, c.Log) // what is not known agrees with anybody
		if count[theirs]++; count[theirs] > most {
			what, most = differs, count[theirs]
		}
	}
	return what, most
}

func checkpointAt(all []Checkpoint, index uint64) (Checkpoint, bool) {
	i := slices.IndexFunc(all, func(c Checkpoint) bool { return c.Index == index })
	if i < 0 {
		return Checkpoint{}, false
	}
	return all[i], true
}

// differs says in what two checkpoints of the same entry differ; empty: in nothing that both know.
func (c Checkpoint) differs(o Checkpoint) string {
	switch {
	case c.Log != "" && o.Log != "" && c.Log != o.Log:
		return "log"
	case c.State != o.State:
		return "state"
	}
	return ""
}

// quarantined is the finding with which this node stopped, if it did.
func quarantined(s *store.Stable) error {
	why, err := s.Lookup([]byte(keyDiverged))
	if err != nil || why == nil {
		return err
	}
	return fmt.Errorf("%w: found before this start: %s", ErrDiverged, why)
}
