package view

// Kind is what a search can find.
type Kind string

// The kinds, in the order in which they are shown.
const (
	KindChannel Kind = "channel"
	KindLog     Kind = "log" // a row of the Logs page
	KindGroup   Kind = "group"
	KindUser    Kind = "user"
	KindShare   Kind = "share"
	KindAuthkey Kind = "authkey"
)

// Kinds are all kinds.
var Kinds = []Kind{KindChannel, KindLog, KindGroup, KindUser, KindShare, KindAuthkey}

// SearchResult are the hits by kind, and in each kind the best first.
type SearchResult struct {
	Hits []Hit  `json:"hits"`
	More []Kind `json:"more,omitempty" doc:"kinds of which there are more hits than were asked for"`
	Next string `json:"next,omitempty" doc:"with one kind: after= of the next page"`
}

// Hit is one object; the field of its kind is set, and shows the viewer what its list shows them.
type Hit struct {
	Kind    Kind     `json:"kind"`
	Channel *Channel `json:"channel,omitempty"`
	Log     *LogRow  `json:"log,omitempty"`
	Group   *Group   `json:"group,omitempty"`
	User    *User    `json:"user,omitempty"`
	Share   *Share   `json:"share,omitempty"`
	Authkey *Authkey `json:"authkey,omitempty"`
}
