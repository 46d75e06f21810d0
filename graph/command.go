package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Command asks for one change. The proposer stamps it; Graph.Apply decides it.
//
// Its JSON is {"by": {...}, "time": ..., "op": name, "args": {...}}.
type Command struct {
	By   Actor     // whose rights it is decided by
	Time time.Time // UTC, stamped by the proposer
	Op   Op
	// Raised is said by Replay: a limit that earlier versions took is the least that there is now.
	Raised bool
}

// Actor is who asks, and from where.
type Actor struct {
	User     UserID  `json:"user,omitempty"`     // whose rights are used; 0 only for Operator
	Session  TokenID `json:"session,omitempty"`  // by which login session; 0: by none
	Token    TokenID `json:"token,omitempty"`    // by which API token; 0: by none
	Operator bool    `json:"operator,omitempty"` // the owner of the data directory, or the system itself: may do everything
	From     string  `json:"from,omitempty"`     // IP address, or "socket", or "system"
}

// Op is one kind of change with its arguments: one of the structs in the table of operations, by value.
type Op interface {
	// authorize decides whether the actor may ask for the change, or returns an *Error.
	authorize(d *draft) error

	// apply makes the change on the draft, or returns an *Error. It returns the ID of the object added or changed.
	apply(d *draft) (object uint64, err error)
}

// Outcome is what a successful change did.
type Outcome struct {
	Index  uint64 // log index of the change
	Object uint64 // ID of the object added or changed
}

// OpName returns the stable name of the operation in the log and in the audit, such as share.add.
func (c Command) OpName() string {
	if o := operationOf(c.Op); o != nil {
		return o.name
	}
	return ""
}

// About returns which object the command is about, if it was applied at index. ok is false if it is about many.
func (c Command) About(index uint64) (r Ref, ok bool) {
	if o := operationOf(c.Op); o != nil {
		r = o.about(c.Op, c.By)
	}
	if r.ID == 0 {
		r.ID = index // it was added
	}
	return r, r.Kind != ""
}

type commandJSON struct {
	By   Actor           `json:"by"`
	Time time.Time       `json:"time"`
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args"`
}

// MarshalJSON encodes the command with the name of its operation.
func (c Command) MarshalJSON() ([]byte, error) {
	o := operationOf(c.Op)
	if o == nil {
		return nil, errors.New("graph: command without an operation")
	}
	args, err := json.Marshal(c.Op)
	if err != nil {
		return nil, err
	}
	return json.Marshal(commandJSON{c.By, c.Time, o.name, args})
}

// UnmarshalJSON decodes what MarshalJSON made. Unknown operations and arguments are errors: a node that does not know
// what others do must stop rather than decide differently.
func (c *Command) UnmarshalJSON(data []byte) error {
	var j commandJSON
	if err := decodeStrict(data, &j); err != nil {
		return err
	}
	if len(j.Args) == 0 {
		j.Args = []byte("{}")
	}
	o := operationsByName[j.Op]
	if o == nil {
		return fmt.Errorf("graph: unknown operation %q: a newer program wrote it: upgrade this node", Clip(j.Op))
	}
	op, err := o.decode(j.Args)
	if err != nil {
		return err
	}
	*c = Command{By: j.By, Time: j.Time, Op: op}
	return nil
}

func decodeStrict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// Redacted decodes a stored command for people to read: what is secret in it is ***, and so is all that an unknown
// operation has.
func Redacted(command []byte) (map[string]any, error) {
	const hidden = "***"
	var c map[string]any
	if err := json.Unmarshal(command, &c); err != nil {
		return nil, err
	}
	name, _ := c["op"].(string)
	args, ok := c["args"].(map[string]any)
	o := operationsByName[name]
	if !ok || o == nil {
		c["args"] = hidden
		return c, nil
	}
	for _, secret := range o.secrets {
		if _, set := args[secret]; set {
			args[secret] = hidden
		}
	}
	return c, nil
}

// raise gives a limit that earlier versions took, and that no frame fits, the least value that there is now.
func (c *Command) raise() {
	switch op := c.Op.(type) {
	case AddAuthkey:
		op.MaxMessage, c.Raised = atLeast(op.MaxMessage)
		c.Op = op
	case EditAuthkey:
		if op.MaxMessage != nil {
			*op.MaxMessage, c.Raised = atLeast(*op.MaxMessage)
		}
	}
}

func atLeast(limit int) (n int, raised bool) {
	if limit > 0 && limit < MinMessageLimit {
		return MinMessageLimit, true
	}
	return limit, false
}

// Replay applies a command that was accepted at index once, as it stands in the log. That it cannot be decoded or is
// refused now means that it, or what came before it, is not what it was.
func (g *Graph) Replay(index uint64, command []byte) (*Graph, Command, error) {
	var c Command
	if err := json.Unmarshal(command, &c); err != nil {
		return g, c, fmt.Errorf("graph: change #%d, perhaps of a newer program: %w", index, err)
	}
	c.raise()
	next, _, err := g.Apply(index, c)
	if err != nil {
		return g, c, fmt.Errorf("graph: change #%d was accepted once and is refused now: %w", index, err)
	}
	return next, c, nil
}
