package apply

import (
	"encoding/json"
	"errors"
	"fmt"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// Level says which entries a program knows: all up to its level. Whoever adds a kind of entries, a version of one, an
// operation on the graph or an argument of one raises it, and says in Needs from which level that is known. Then nobody
// proposes it while a member is of a lower level: that member would stop at the entry, since it cannot skip it.
//
//	1  programs that do not tell their level
//	2  entries of the vault; user.limits
//	3  authkey.reveal
//	4  request.add and request.remove; member.add with asked
const Level = 4

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
	switch op := op.(type) {
	case graph.SetLimits:
		return 2
	case graph.RevealAuthkey:
		return 3
	case graph.AskToJoin, graph.RemoveRequest:
		return 4
	case graph.AddMember:
		if op.Asked {
			return 4
		}
	}
	return FirstLevel
}

// ErrNewer is why a program does not go on with a log that has what it does not know, also when all of it is applied.
var ErrNewer = errors.New("apply: a newer version of this program has written what this one does not know: start the " +
	"version that wrote it, or a later one")

// keyLevel is the highest level of all that this node has applied, in one byte, once that is above the first. It is the
// node's own, since nodes note it from the version on with which they know how.
var keyLevel = []byte("level")

func loadLevel(log *eventlog.Log) (int, error) {
	v, err := log.Get(eventlog.SpaceLocal, keyLevel)
	if errors.Is(err, eventlog.ErrNotFound) {
		return FirstLevel, nil
	}
	if err == nil && len(v) != 1 {
		err = fmt.Errorf("apply: the level of the log has %d bytes, want 1", len(v))
	}
	if err != nil {
		return 0, err
	}
	if level := int(v[0]); level > Level {
		return 0, fmt.Errorf("%w (level %d, this version knows %d)", ErrNewer, level, Level)
	}
	return int(v[0]), nil
}

// noteLevel notes of what level an entry is.
func (f *FSM) noteLevel(tx *eventlog.Tx, level int) {
	if level > f.level {
		f.level = level
		tx.Put(eventlog.SpaceLocal, keyLevel, []byte{byte(level)})
	}
}
