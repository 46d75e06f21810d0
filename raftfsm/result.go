package raftfsm

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// result is what became of an applied entry.
type result struct {
	index    uint64
	response any // of the FSM: batchResult, changeResult, []cursorResult, or nil
}

// A result on its way from the leader to the node that proposed:
//
//	index u64 | kind u8 | body
//
//	1 nothing    2 batch: flags u8 (1 applied, 2 repeat), next u64    3 JSON of otherResult
const (
	resultNone byte = 1 + iota
	resultBatch
	resultOther
)

type otherResult struct {
	Change  *graph.Outcome  `json:"change,omitempty"`
	Refused *graph.Error    `json:"refused,omitempty"`
	Cursors []cursorOutcome `json:"cursors,omitempty"`
}

type cursorOutcome struct {
	Cursor  eventlog.Cursor `json:"cursor"`
	Refused *graph.Error    `json:"refused,omitempty"`
}

var errResult = errors.New("raftfsm: malformed result")

func (r result) encode() ([]byte, error) {
	b := binary.BigEndian.AppendUint64(nil, r.index)
	var other otherResult
	var err error
	switch v := r.response.(type) {
	case nil:
		return append(b, resultNone), nil
	case batchResult:
		var flags byte
		if v.applied {
			flags |= 1
		}
		if v.repeat {
			flags |= 2
		}
		return binary.BigEndian.AppendUint64(append(b, resultBatch, flags), v.next), nil
	case changeResult:
		other.Change = &v.outcome
		other.Refused, err = refusalIn(v.err)
	case []cursorResult:
		other.Cursors = make([]cursorOutcome, len(v))
		for i, c := range v {
			var e error
			other.Cursors[i].Cursor = c.cursor
			other.Cursors[i].Refused, e = refusalIn(c.err)
			err = errors.Join(err, e)
		}
	default:
		err = fmt.Errorf("raftfsm: a response of type %T has no encoding", v)
	}
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(other)
	return append(append(b, resultOther), body...), err
}

// refusalIn finds the refusal in an error of the FSM; there is no other.
func refusalIn(err error) (*graph.Error, error) {
	if err == nil {
		return nil, nil
	}
	if refusal, ok := errors.AsType[*graph.Error](err); ok {
		return refusal, nil
	}
	return nil, fmt.Errorf("raftfsm: a refusal of type %T has no encoding: %w", err, err)
}

func decodeResult(b []byte) (r result, err error) {
	if len(b) < 9 {
		return r, errResult
	}
	r.index = binary.BigEndian.Uint64(b)
	kind, body := b[8], b[9:]
	switch {
	case kind == resultNone && len(body) == 0:
		return r, nil
	case kind == resultBatch && len(body) == 9:
		r.response = batchResult{applied: body[0]&1 != 0, repeat: body[0]&2 != 0, next: binary.BigEndian.Uint64(body[1:])}
		return r, nil
	case kind != resultOther:
		return r, errResult
	}
	var other otherResult
	if err := json.Unmarshal(body, &other); err != nil {
		return r, fmt.Errorf("%w: %w", errResult, err)
	}
	if other.Change != nil {
		c := changeResult{outcome: *other.Change}
		if other.Refused != nil {
			c.err = other.Refused
		}
		r.response = c
		return r, nil
	}
	cursors := make([]cursorResult, len(other.Cursors))
	for i, c := range other.Cursors {
		cursors[i].cursor = c.Cursor
		if c.Refused != nil {
			cursors[i].err = c.Refused
		}
	}
	r.response = cursors
	return r, nil
}
