package apply

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// BatchResult is the response to a KindBatch entry.
type BatchResult struct {
	Applied bool   // it was the next of its session
	Repeat  bool   // it was applied before
	Next    uint64 // sequence number that the session must send next
}

// ChangeResult is the response to a KindChange entry.
type ChangeResult struct {
	Outcome graph.Outcome
	Err     error // the refusal
}

// CursorResult is the response to one operation of a KindCursor entry.
type CursorResult struct {
	Cursor eventlog.Cursor // after a claim or reset
	Err    error           // the refusal
}

// Result is what became of an applied entry.
type Result struct {
	Index    uint64
	Response any // of the FSM: BatchResult, ChangeResult, []CursorResult, or nil
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

var errResult = errors.New("apply: malformed result")

// Encode returns the bytes of a result, as they travel to the node that proposed.
func (r Result) Encode() ([]byte, error) {
	b := binary.BigEndian.AppendUint64(nil, r.Index)
	var other otherResult
	var err error
	switch v := r.Response.(type) {
	case nil:
		return append(b, resultNone), nil
	case BatchResult:
		var flags byte
		if v.Applied {
			flags |= 1
		}
		if v.Repeat {
			flags |= 2
		}
		return binary.BigEndian.AppendUint64(append(b, resultBatch, flags), v.Next), nil
	case ChangeResult:
		other.Change = &v.Outcome
		other.Refused, err = refusalIn(v.Err)
	case []CursorResult:
		other.Cursors = make([]cursorOutcome, len(v))
		for i, c := range v {
			var e error
			other.Cursors[i].Cursor = c.Cursor
			other.Cursors[i].Refused, e = refusalIn(c.Err)
			err = errors.Join(err, e)
		}
	default:
		err = fmt.Errorf("apply: a response of type %T has no encoding", v)
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
	return nil, fmt.Errorf("apply: a refusal of type %T has no encoding: %w", err, err)
}

// DecodeResult reads what Encode wrote.
func DecodeResult(b []byte) (r Result, err error) {
	if len(b) < 9 {
		return r, errResult
	}
	r.Index = binary.BigEndian.Uint64(b)
	kind, body := b[8], b[9:]
	switch {
	case kind == resultNone && len(body) == 0:
		return r, nil
	case kind == resultBatch && len(body) == 9:
		r.Response = BatchResult{Applied: body[0]&1 != 0, Repeat: body[0]&2 != 0, Next: binary.BigEndian.Uint64(body[1:])}
		return r, nil
	case kind != resultOther:
		return r, errResult
	}
	var other otherResult
	if err := json.Unmarshal(body, &other); err != nil {
		return r, fmt.Errorf("%w: %w", errResult, err)
	}
	if other.Change != nil {
		c := ChangeResult{Outcome: *other.Change}
		if other.Refused != nil {
			c.Err = other.Refused
		}
		r.Response = c
		return r, nil
	}
	cursors := make([]CursorResult, len(other.Cursors))
	for i, c := range other.Cursors {
		cursors[i].Cursor = c.Cursor
		if c.Refused != nil {
			cursors[i].Err = c.Refused
		}
	}
	r.Response = cursors
	return r, nil
}
