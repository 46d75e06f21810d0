package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// OpName is the operation's name in the log.
func (AddUser) OpName() string       { return "user.add" }
func (EditUser) OpName() string      { return "user.edit" }
func (RemoveUser) OpName() string    { return "user.remove" }
func (AddGroup) OpName() string      { return "group.add" }
func (RemoveGroup) OpName() string   { return "group.remove" }
func (AddMember) OpName() string     { return "member.add" }
func (RemoveMember) OpName() string  { return "member.remove" }
func (SetGroupAdmin) OpName() string { return "member.admin" }
func (AddAuthkey) OpName() string    { return "authkey.add" }
func (EditAuthkey) OpName() string   { return "authkey.edit" }
func (RemoveAuthkey) OpName() string { return "authkey.remove" }
func (AddShare) OpName() string      { return "share.add" }
func (RemoveShare) OpName() string   { return "share.remove" }
func (DecideShare) OpName() string   { return "share.decide" }
func (AddToken) OpName() string      { return "token.add" }
func (RemoveToken) OpName() string   { return "token.remove" }
func (Expire) OpName() string        { return "expire" }

// decodeOp decodes the arguments of the operation called name. Unknown names and unknown arguments are errors: a node
// that does not know what others do must stop rather than decide differently.
func decodeOp(name string, args []byte) (Op, error) {
	switch name {
	case AddUser{}.OpName():
		return decodeArgs[AddUser](args)
	case EditUser{}.OpName():
		return decodeArgs[EditUser](args)
	case RemoveUser{}.OpName():
		return decodeArgs[RemoveUser](args)
	case AddGroup{}.OpName():
		return decodeArgs[AddGroup](args)
	case RemoveGroup{}.OpName():
		return decodeArgs[RemoveGroup](args)
	case AddMember{}.OpName():
		return decodeArgs[AddMember](args)
	case RemoveMember{}.OpName():
		return decodeArgs[RemoveMember](args)
	case SetGroupAdmin{}.OpName():
		return decodeArgs[SetGroupAdmin](args)
	case AddAuthkey{}.OpName():
		return decodeArgs[AddAuthkey](args)
	case EditAuthkey{}.OpName():
		return decodeArgs[EditAuthkey](args)
	case RemoveAuthkey{}.OpName():
		return decodeArgs[RemoveAuthkey](args)
	case AddShare{}.OpName():
		return decodeArgs[AddShare](args)
	case RemoveShare{}.OpName():
		return decodeArgs[RemoveShare](args)
	case DecideShare{}.OpName():
		return decodeArgs[DecideShare](args)
	case AddToken{}.OpName():
		return decodeArgs[AddToken](args)
	case RemoveToken{}.OpName():
		return decodeArgs[RemoveToken](args)
	case Expire{}.OpName():
		return decodeArgs[Expire](args)
	}
	return nil, fmt.Errorf("graph: unknown operation %q", Clip(name))
}

func decodeArgs[T Op](args []byte) (Op, error) {
	var op T
	if err := decodeStrict(args, &op); err != nil {
		return nil, fmt.Errorf("graph: arguments of %s: %w", op.OpName(), err)
	}
	return op, nil
}

func decodeStrict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

type commandJSON struct {
	By   Actor           `json:"by"`
	Time time.Time       `json:"time"`
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args"`
}

// MarshalJSON encodes the command with the name of its operation.
func (c Command) MarshalJSON() ([]byte, error) {
	if c.Op == nil {
		return nil, errors.New("graph: command without an operation")
	}
	args, err := json.Marshal(c.Op)
	if err != nil {
		return nil, err
	}
	return json.Marshal(commandJSON{c.By, c.Time, c.Op.OpName(), args})
}

// UnmarshalJSON decodes what MarshalJSON made. What it does not know entirely, it refuses.
func (c *Command) UnmarshalJSON(data []byte) error {
	var j commandJSON
	if err := decodeStrict(data, &j); err != nil {
		return err
	}
	if len(j.Args) == 0 {
		j.Args = []byte("{}")
	}
	op, err := decodeOp(j.Op, j.Args)
	if err != nil {
		return err
	}
	*c = Command{By: j.By, Time: j.Time, Op: op}
	return nil
}
