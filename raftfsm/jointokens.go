package raftfsm

import (
	"context"
	"strings"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/link"
)

// NewJoinToken makes a token with which nodes join the cluster until it expires. All members know it on return.
func (m *Members) NewJoinToken(ctx context.Context, life time.Duration) (link.Token, error) {
	if m == nil {
		return link.Token{}, errAlone()
	}
	port, ok := m.net.(*link.Port)
	if !ok {
		return link.Token{}, errAlone()
	}
	token, err := link.NewToken(port.Identity(), life)
	if err != nil {
		return token, &graph.Error{Code: graph.Invalid, Msg: strings.TrimPrefix(err.Error(), "link: ")}
	}
	e := entry.Token{Hash: token.Hash(), Time: m.node.clock.Now(), Expires: token.Expires}
	_, err = m.node.propose(ctx, e.Encode())
	return token, err
}

// errAlone is the answer of a node that is alone.
func errAlone() error {
	return &graph.Error{
		Code: graph.Conflict, Msg: "this node is alone",
		Hint: "start it with --cluster HOST:PORT --advertise HOST:PORT --bootstrap to make it the first node of a cluster",
	}
}
