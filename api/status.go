package api

import (
	"hpfriends/graph"
	"hpfriends/query/view"
)

// Whoami is who asks.
type Whoami struct {
	User     string     `json:"user,omitempty" doc:"handle"`
	Role     graph.Role `json:"role,omitempty"`
	Operator bool       `json:"operator" doc:"owner of the data directory"`

	Token *view.Token `json:"token,omitempty" doc:"with which you ask"`
}

// Status is the state of a server.
type Status struct {
	Version string `json:"version"`
	Ready   bool   `json:"ready"`
	Reason  string `json:"reason,omitempty"`
	Index   uint64 `json:"index" doc:"newest change of the graph"`

	Warnings []string `json:"warnings,omitempty" doc:"for admins and auditors: what to know of the clock, retention and certificates"`

	Log          *view.Retained     `json:"log,omitempty" doc:"for admins and auditors"`
	Certificates []view.Certificate `json:"certificates,omitempty" doc:"for admins and auditors: by which it speaks TLS"`

	Scrub *view.ScrubStatus `json:"scrub,omitempty" doc:"for admins and auditors"`

	Traffic *view.Traffic    `json:"traffic,omitempty" doc:"for admins and auditors"`
	Backup  *view.LastBackup `json:"last_backup,omitempty" doc:"for admins and auditors: the newest that it has handed out"`
}

// ExplainQuery asks for the way from a publisher to a receiver.
type ExplainQuery struct {
	From    string `query:"from" required:"true" minLength:"1" doc:"handle of the publisher"`
	To      string `query:"to" required:"true" minLength:"1" doc:"handle of the receiver"`
	Channel string `query:"channel" limit:"channel" required:"true" format:"channel"`
	At      string `query:"at" format:"point" doc:"as of a time, or of a position (#812)"`
}

// LogsQuery selects refusals.
type LogsQuery struct {
	Since   string `query:"since" format:"past" doc:"rows last seen since then: a time, or how long ago (2h)"`
	Until   string `query:"until" format:"past" doc:"rows last seen before"`
	User    string `query:"user" doc:"handle of whose authkey it is"`
	Ident   string `query:"ident" limit:"authkey"`
	Kind    string `query:"kind" enum:"login,publish,subscribe,other" doc:"what was refused"`
	Channel string `query:"channel"`
	Address string `query:"address"`
	After   uint64 `query:"after" maximum:"9007199254740991" doc:"rows that changed after this index"`
	Wait    bool   `query:"wait" doc:"answer when there are such rows, or with none after a second"`
	Limit   int    `query:"limit" minimum:"1" maximum:"10000" default:"1000"`
}

// Waits reports whether the answer may be waited for.
func (q *LogsQuery) Waits() bool { return q.Wait }

// EntriesQuery selects entries of the log.
type EntriesQuery struct {
	From  uint64 `query:"from" maximum:"9007199254740991" doc:"index of the first entry"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

// What can be asked of a server.
var (
	Explain = Op[ExplainQuery, view.Explanation]{
		"GET /explain", "Whether what one user publishes reaches another, and why",
	}
	ListLogs = Op[LogsQuery, []view.LogRow]{
		"GET /logs", "Refusals that concern your authkeys, newest first; for auditors and admins of the newest 10,000",
	}
	ShowStats   = Op[None, view.Totals]{"GET /stats", "Statistics of your authkeys together"}
	ShowWhoami  = Op[None, Whoami]{"GET /whoami", "Who you are here"}
	ShowStatus  = Op[None, Status]{"GET /status", "State of the server"}
	ListEntries = Op[EntriesQuery, []view.LogEntry]{
		"GET /entries", "What is in the entries of the log; for the owner of the data directory",
	}
	CompactLog = Long[view.Compaction]{
		"POST /compact", "Pack the log up to now into blocks, which take less space; for the operator",
	}
	CheckLog = Long[view.CheckReport]{
		"GET /check", "Read the whole log and report the first bad byte; for auditors and admins",
	}
)
