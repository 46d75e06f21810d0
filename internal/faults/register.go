package faults

import (
	"time"

	"github.com/anishathalye/porcupine"
)

// Registers and handles, as porcupine knows them: one state for each object. A handle that is claimed and a register
// that is written differ only in that a claim can be refused.
var objects = porcupine.Model{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		place := make(map[string]int)
		var parts [][]porcupine.Operation
		for _, op := range all {
			object := op.Input.(Change).Object
			i, ok := place[object]
			if !ok {
				i = len(parts)
				place[object] = i
				parts = append(parts, nil)
			}
			parts[i] = append(parts[i], op)
		}
		return parts
	},
	Init: func() any { return "" },
	Step: func(state, input, _ any) (bool, any) {
		c, now := input.(Change), state.(string)
		switch {
		case c.Action == Read:
			return c.Value == now, now
		case c.Action == Write:
			return true, c.Value
		case c.Outcome == Refused:
			return now == "claimed", now
		case c.Outcome == Unknown: // it has an effect, or is refused and nobody hears of it
			return true, "claimed"
		default:
			return now == "", "claimed"
		}
	},
}

// checkLimit bounds the search; histories of sequential clients take milliseconds.
const checkLimit = 30 * time.Second

// checkChanges is C6: what was told of changes is true. There is one order of all changes of an object that agrees
// with every answer and with the times; what was told to be unavailable is not in it; what is unknown may be anywhere
// after it was asked. A read on the node that answered a change sees that change.
func checkChanges(all []Change) []Fault {
	v := verdict{checker: "C6"}
	var history []porcupine.Operation
	var end time.Duration
	for _, c := range all {
		end = max(end, c.To)
	}
	for _, c := range all {
		op := porcupine.Operation{ClientId: c.Client, Input: c, Call: int64(c.From), Output: c.Outcome, Return: int64(c.To)}
		switch c.Outcome {
		case Unavailable:
			continue
		case Unknown:
			op.Return = int64(end) + 1 // as late as can be
		case Applied, Refused:
		}
		history = append(history, op)
	}
	for _, part := range objects.Partition(history) {
		whole := objects
		whole.Partition = nil
		switch porcupine.CheckOperationsTimeout(whole, part, checkLimit) {
		case porcupine.Ok:
		case porcupine.Illegal:
			v.blame("no order of these explains the answers: %s", story(part))
		case porcupine.Unknown:
			v.blame("%d operations on %s were not checked in %v", len(part), part[0].Input.(Change).Object, checkLimit)
		}
	}
	return v.faults
}

// story is the operations on one object, shortened to the last ones.
func story(part []porcupine.Operation) (text string) {
	const most = 12
	for _, op := range part[max(0, len(part)-most):] {
		text += "\n  " + op.Input.(Change).String()
	}
	return text
}
