package api

import "hpfriends/query/view"

// AuditQuery selects changes of the graph.
type AuditQuery struct {
	Since  string `query:"since" format:"point" doc:"a time, how long ago (2h), or a position (#812)"`
	Until  string `query:"until" format:"point" doc:"likewise"`
	Actor  string `query:"actor" doc:"handle of who did it, or operator, or system"`
	Object string `query:"object" format:"object" doc:"kind or kind:name, as in share:5, user:ada, authkey:IDENT"`
	Op     string `query:"op" doc:"user.add, ...; share.* for all of a kind"`
	User   string `query:"user" doc:"handle: what concerns this user"`
	Order  string `query:"order" enum:"newest,oldest" default:"newest" doc:"which come first"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"a page may be shorter even if more follow"`
	After  uint64 `query:"after" maximum:"9007199254740991" doc:"from the Link header; with order=oldest any index"`
}

// AuditPath names a change of the graph.
type AuditPath struct {
	Index uint64 `path:"index" doc:"of the change in the log"`
}

// AuditAtQuery asks for the graph as of a time.
type AuditAtQuery struct {
	T string `query:"t" format:"point" doc:"a time, how long ago (2h), or a position (#812); empty: now"`
}

// AuditDiffQuery asks what changed between two times.
type AuditDiffQuery struct {
	From string `query:"from" required:"true" format:"point" doc:"a time, how long ago (2h), or a position (#812)"`
	To   string `query:"to" format:"point" doc:"likewise; empty: now"`
}

// AccessQuery asks who could read a channel.
type AccessQuery struct {
	Channel string `query:"channel" limit:"channel" required:"true" format:"channel"`
	At      string `query:"at" format:"point" doc:"as of a time, or of a position (#812); empty: now"`
}

// Verified is the result of a verification of all changes.
type Verified struct {
	OK bool `json:"ok"`
	view.AuditSummary
	Fault *AuditFault `json:"fault,omitempty" doc:"the first event that is wrong"`
}

// AuditFault is an event that is not as it was written.
type AuditFault struct {
	Index  uint64 `json:"index" doc:"of the event in the log"`
	Kind   string `json:"kind" enum:"altered,missing,reordered,extra"`
	Reason string `json:"reason"`
}

// The operations on the audit.
var (
	ListAudit = Listing[AuditQuery, view.AuditEvent]{
		"GET /audit", "Changes of the graph that concern you; auditors and admins: all",
	}
	ShowAudit   = Op[AuditPath, view.AuditEvent]{"GET /audit/{index}", "Show a change of the graph"}
	AuditAt     = Op[AuditAtQuery, view.AsOf]{"GET /audit/at", "The graph as of a time or position"}
	AuditDiff   = Op[AuditDiffQuery, view.AuditDiff]{"GET /audit/diff", "What changed between two moments"}
	AuditAccess = Op[AccessQuery, view.Access]{
		"GET /audit/access", "Who could read a channel then, and by which path",
	}
	VerifyAudit = Long[Verified]{"GET /audit/verify", "Verify the chain of all changes; for auditors and admins"}
)
