package raftfsm

import (
	"fmt"

	"hpfriends/graph"
)

// balance is how many voters there are, and how many of them answer.
type balance struct{ voters, alive int }

func balanceOf(members []Member) (b balance) {
	for _, m := range members {
		b = b.with(m, 1)
	}
	return b
}

// with adds, or with -1 takes away, a member that has a vote.
func (b balance) with(m Member, by int) balance {
	if m.Role != RoleNonvoter {
		b.voters += by
		if m.Err == nil {
			b.alive += by
		}
	}
	return b
}

func (b balance) quorum() int { return b.voters/2 + 1 }

// spare is how many more voters may fail; below 0 there is no quorum.
func (b balance) spare() int { return b.alive - b.quorum() }

// harmOfStopping refuses what is done to stop a node afterwards, when the others have no majority without it.
func harmOfStopping(all []Member, id, what string) error {
	before := balanceOf(all)
	after := before
	for _, m := range all {
		if m.ID == id && m.Role != RoleNonvoter && m.Err == nil {
			after.alive--
		}
	}
	if before.spare() < 0 || after.spare() >= 0 {
		return nil
	}
	return &graph.Error{
		Code: graph.Conflict, Hint: "start or join another voter first, or use --force",
		Msg: fmt.Sprintf("%s would leave %d of %d voters that answer, and %d are needed: nothing could be published or "+
			"changed", what, after.alive, after.voters, after.quorum()),
	}
}

// harm refuses what would make the cluster stop, or stop with the next failure when it did not before.
func harm(before, after balance, what, instead string) error {
	switch {
	case after.voters == 0:
		return &graph.Error{Code: graph.Conflict, Msg: what + " would leave no voter", Hint: "stop the node instead"}
	case after.spare() < 0:
		return &graph.Error{
			Code: graph.Conflict, Hint: instead,
			Msg: fmt.Sprintf("%s would leave %d of %d voters that answer, and %d are needed: the cluster would stop", what,
				after.alive, after.voters, after.quorum()),
		}
	case after.spare() == 0 && before.spare() > 0:
		return &graph.Error{
			Code: graph.Conflict, Hint: instead,
			Msg: fmt.Sprintf("%s would leave %d of %d voters that answer, all of them needed: the next failure would stop the "+
				"cluster", what, after.alive, after.voters),
		}
	}
	return nil
}
