package survey

import (
	"fmt"

	"hpfriends/graph"
)

// Balance is how many voters there are, and how many of them answer.
type Balance struct{ Voters, Alive int }

func BalanceOf(members []Member) (b Balance) {
	for _, m := range members {
		b = b.With(m, 1)
	}
	return b
}

// With adds, or with -1 takes away, a member that has a vote.
func (b Balance) With(m Member, by int) Balance {
	if m.Role != RoleNonvoter {
		b.Voters += by
		if m.Err == nil {
			b.Alive += by
		}
	}
	return b
}

func (b Balance) Quorum() int { return b.Voters/2 + 1 }

// Spare is how many more voters may fail; below 0 there is no quorum.
func (b Balance) Spare() int { return b.Alive - b.Quorum() }

// HarmOfStopping refuses what is done to stop a node afterwards, when the others have no majority without it.
func HarmOfStopping(all []Member, id, what string) error {
	before := BalanceOf(all)
	after := before
	for _, m := range all {
		if m.ID == id && m.Role != RoleNonvoter && m.Err == nil {
			after.Alive--
		}
	}
	if before.Spare() < 0 || after.Spare() >= 0 {
		return nil
	}
	return &graph.Error{
		Code: graph.Conflict, Hint: "start or join another voter first, or use --force",
		Msg: fmt.Sprintf("%s would leave %d of %d voters that answer, and %d are needed: nothing could be published or "+
			"changed", what, after.Alive, after.Voters, after.Quorum()),
	}
}

// Harm refuses what would make the cluster stop, or stop with the next failure when it did not before.
func Harm(before, after Balance, what, instead string) error {
	switch {
	case after.Voters == 0:
		return &graph.Error{Code: graph.Conflict, Msg: what + " would leave no voter", Hint: "stop the node instead"}
	case after.Spare() < 0:
		return &graph.Error{
			Code: graph.Conflict, Hint: instead,
			Msg: fmt.Sprintf("%s would leave %d of %d voters that answer, and %d are needed: the cluster would stop", what,
				after.Alive, after.Voters, after.Quorum()),
		}
	case after.Spare() == 0 && before.Spare() > 0:
		return &graph.Error{
			Code: graph.Conflict, Hint: instead,
			Msg: fmt.Sprintf("%s would leave %d of %d voters that answer, all of them needed: the next failure would stop the "+
				"cluster", what, after.Alive, after.Voters),
		}
	}
	return nil
}

// Successor is who is best to lead: of the voters among some that answer, have room and are not drained, the one that
// is least behind.
func Successor(all []Member, among func(Member) bool) (best Member, ok bool) {
	for _, member := range all {
		fit := member.Err == nil && !member.Report.Full && !member.Report.Drained && member.Role == RoleVoter && among(member)
		if fit && (!ok || member.Lag < best.Lag) {
			best, ok = member, true
		}
	}
	return best, ok
}
