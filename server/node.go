package server

import (
	"time"

	"hpfriends/query/view"
	"hpfriends/raftfsm"
)

// changer is the node's part in v1.Changer.
type changer struct{ *raftfsm.Node }

// Retention implements v1.Changer.
func (c changer) Retention() view.Retention {
	k := c.Kept()
	r := view.Retention{
		AgeSeconds: int64(k.Age / time.Second), SizeBytes: k.Size, Held: k.Held, Clock: k.Wall, Now: k.Now,
		Trusted: k.Trusted, Warnings: k.Warnings,
	}
	if r.Warnings == nil {
		r.Warnings = []string{}
	}
	return r
}
