package view

import (
	"time"

	"hpfriends/graph"
)

// AuditEvent is one change of the graph, as a viewer may see it: what they may not see is left out.
type AuditEvent struct {
	Position string        `json:"position" doc:"#<index> in the log"`
	Index    uint64        `json:"index"`
	Time     time.Time     `json:"time" doc:"as the change was stamped: a clock that was wrong shows; the order is that of index"`
	By       string        `json:"by" doc:"handle of who did it; operator: the data directory's owner; system: the server"`
	From     string        `json:"from,omitempty" doc:"address of who did it; for themselves, auditors and admins"`
	Op       string        `json:"op" doc:"user.add, share.decide, ..."`
	Object   *AuditObject  `json:"object,omitempty" doc:"what it was done to"`
	Changes  []AuditChange `json:"changes" doc:"everything that it changed, with what went along"`
	Hash     string        `json:"hash,omitempty" doc:"of the chain of all events up to this one; for auditors and admins"`
}

// AuditObject names an object of the graph as of the event.
type AuditObject struct {
	Kind graph.Kind `json:"kind"`
	ID   uint64     `json:"id" doc:"of a membership the group's, of an acceptance the share's"`
	Name string     `json:"name,omitempty" doc:"handle, name of the group, ident, or channel of the share"`
	User string     `json:"user,omitempty" doc:"whose membership or acceptance it is"`
}

// AuditChange is an object before and after. Secrets, passwords and tokens are never in it: only that they have
// changed.
type AuditChange struct {
	AuditObject
	Before map[string]any `json:"before,omitempty" doc:"left out if it was not there"`
	After  map[string]any `json:"after,omitempty" doc:"left out if it is not there any more"`
}

// AsOf is the graph as of a point in its history, as far as the viewer may see it by the rights they have now.
type AsOf struct {
	Version
	Users    []User    `json:"users"`
	Groups   []Group   `json:"groups"`
	Shares   []Share   `json:"shares"`
	Authkeys []Authkey `json:"authkeys"`
}

// Version identifies a version of the graph by its newest change.
type Version struct {
	Position string     `json:"position" doc:"of the newest change up to then; #0 before the first"`
	Time     *time.Time `json:"time,omitempty" doc:"of that change"`
}

// AuditDiff is what lies between two points.
type AuditDiff struct {
	From    Version       `json:"from"`
	To      Version       `json:"to"`
	Changes []AuditChange `json:"changes" doc:"what is not alike, by kind and number"`
}

// AuditSummary is what a verification found in a sound audit.
type AuditSummary struct {
	Events       uint64    `json:"events"`
	Position     string    `json:"position" doc:"of the newest event"`
	Time         time.Time `json:"time,omitzero" doc:"of the newest event"`
	Hash         string    `json:"hash" doc:"of the newest event: compare it with another node's, or a noted one"`
	StoredGraphs int       `json:"stored_graphs" doc:"that equal the graph rebuilt from the first event"`
	Compared     uint64    `json:"compared" doc:"events that equal the entries that the log still holds"`
	Refused      uint64    `json:"refused" doc:"changes in the log that were refused, and are refused again"`
}
