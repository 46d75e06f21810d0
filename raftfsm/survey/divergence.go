package survey

import (
	"cmp"
	"slices"
)

// Verdict is what the comparison of checkpoints says of a node.
type Verdict struct {
	Index   uint64 // of the newest checkpoint at which it differs
	What    string // what differs
	Against int    // voters that agree on something else there
	Odd     bool   // they are a majority
	Settled bool   // all who can say something of its newest checkpoint have done so
}

// Judge compares a node's checkpoints, newest last, with those of the members that write their state in the same
// format: another may write the same with other bytes.
func Judge(format int, self string, mine []Checkpoint, members []Member) (v Verdict) {
	voters := 0
	for _, member := range members {
		if member.Role != RoleNonvoter {
			voters++
		}
	}
	others := slices.DeleteFunc(slices.Clone(members), func(o Member) bool {
		return o.ID == self || o.Err != nil || o.Report.StateFormat != format
	})
	v.Settled = len(others) > 0
	for _, o := range others {
		_, known := checkpointAt(o.Report.Checkpoints, mine[len(mine)-1].Index)
		v.Settled = v.Settled && known
	}
	for i := len(mine) - 1; i >= 0 && v.Against == 0; i-- {
		v.Index = mine[i].Index
		v.What, v.Against = against(mine[i], others)
		v.Odd = v.Against > voters/2
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
