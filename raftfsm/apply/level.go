package apply

import (
	"encoding/json"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// Level says which entries a program knows: all up to its level. Whoever adds a kind of entries, a version of one, an
// operation on the graph or an argument of one raises it, and says in Needs from which level that is known. Then nobody
// proposes it while a member is of a lower level: that member would stop at the entry, since it cannot skip it.
//
//	1  programs that do not tell their level
//	2  entries of the vault; user.limits
const Level = 2

// FirstLevel is that of programs that do not tell theirs.
const FirstLevel = 1

// Needs returns the level from which programs know the data of an entry, and what it is, in words. What this program
// itself does not know is above its own level.
func Needs(data []byte) (level int, what string) {
	if len(data) == 0 {
		return FirstLevel, ""
	}
	switch kind := entry.Kind(data[0]); kind {
	case entry.KindChange:
		var c graph.Command
		if err := json.Unmarshal(data[1:], &c); err != nil {
			return Level + 1, err.Error()
		}
		return levelOf(c.Op), "the change " + c.OpName()
	case entry.KindVault:
		return 2, "entries of the vault"
	case entry.KindBatch, entry.KindReport, entry.KindCursor, entry.KindFloor, entry.KindToken, entry.KindCheckpoint:
		return FirstLevel, kind.String()
	default:
		return Level + 1, "entries of " + kind.String()
	}
}

// levelOf is the level from which programs know an operation with all that it says.
func levelOf(op graph.Op) int {
	switch op.(type) {
	case graph.SetLimits:
		return 2
	}
	return FirstLevel
}
