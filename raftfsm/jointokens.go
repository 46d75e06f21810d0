package raftfsm

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/link"
)

// MaxTokenUses bounds how many nodes one token lets in.
const MaxTokenUses = 100

// NewJoinToken makes a token with which a number of nodes join the cluster until it expires; by is the user who asks
// for it. All members know it on return.
func (m *Members) NewJoinToken(ctx context.Context, life time.Duration, uses int, by string) (
	token link.Token, id string, err error,
) {
	if m == nil {
		return token, "", errAlone()
	}
	port, ok := m.net.(*link.Port)
	if !ok {
		return token, "", errAlone()
	}
	if uses < 1 || uses > MaxTokenUses {
		return token, "", &graph.Error{
			Code: graph.Invalid, Msg: fmt.Sprintf("a token is for 1 to %d nodes, not %d", MaxTokenUses, uses),
		}
	}
	if token, err = link.NewToken(port.Identity(), life); err != nil {
		return token, "", &graph.Error{Code: graph.Invalid, Msg: strings.TrimPrefix(err.Error(), "link: ")}
	}
	e := entry.Token{
		Step: entry.TokenMade, Hash: token.Hash(), Time: m.node.clock.Now(), Expires: token.Expires, Uses: uses, By: by,
	}
	_, err = m.node.propose(ctx, e.Encode())
	return token, apply.JoinToken{Hash: token.Hash()}.ID(), err
}

// JoinTokens returns the tokens by expiry, those too that ended in the last seven days.
func (m *Members) JoinTokens() ([]apply.JoinToken, error) {
	if m == nil {
		return nil, errAlone()
	}
	return m.node.fsm.JoinTokens(), nil
}

// RemoveJoinToken makes a token good for nothing; by is the user who asks for it.
func (m *Members) RemoveJoinToken(ctx context.Context, id, by string) error {
	all, err := m.JoinTokens()
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.ID() == id && t.Removed == 0 {
			e := entry.Token{Step: entry.TokenRemoved, Hash: t.Hash, Time: m.node.clock.Now(), By: by}
			_, err := m.node.propose(ctx, e.Encode())
			return err
		}
	}
	return &graph.Error{
		Code: graph.NotFound, Msg: fmt.Sprintf("there is no join token %q", id),
		Hint: "list them with `hpfriends cluster token ls`",
	}
}

// errAlone is the answer of a node that is alone.
func errAlone() error {
	return &graph.Error{
		Code: graph.Conflict, Msg: "this node is alone",
		Hint: "start it with --cluster HOST:PORT --advertise HOST:PORT --bootstrap to make it the first node of a cluster",
	}
}
