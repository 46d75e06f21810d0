package view

import "hpfriends/graph"

// Explanation is explain.Answer with names.
type Explanation struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Channel string `json:"channel"`
	Flows   bool   `json:"flows" doc:"every gate that you may know of is open"`
	Gates   []Gate `json:"gates" doc:"every condition, in order"`
	Path    []Hop  `json:"path" doc:"the shares it takes, or those that lack least"`
}

// Gate is one condition.
type Gate struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`

	Unknown bool   `json:"unknown,omitempty" doc:"it is for others to know whether it is open; ok says nothing"`
	Fix     string `json:"fix,omitempty" doc:"the command that opens it"`
}

// Closed reports whether it is known to be closed.
func (g Gate) Closed() bool { return !g.OK && !g.Unknown }

// Hop is one share on the path.
type Hop struct {
	Share    graph.ShareID   `json:"share,omitempty" doc:"0: it is between others, and only ok is told"`
	Owner    string          `json:"owner,omitempty"`
	Receiver string          `json:"receiver,omitempty"`
	Group    string          `json:"group,omitempty"`
	Type     graph.ShareType `json:"type,omitempty"`
	Accepted bool            `json:"accepted"`
	OK       bool            `json:"ok"`
}
