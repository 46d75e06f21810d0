package api

import (
	"time"

	"hpfriends/query/view"
)

// Cluster is the cluster as the asked node sees it.
type Cluster struct {
	Cluster  string          `json:"cluster"`
	Node     string          `json:"node" doc:"the node that answers"`
	Leader   string          `json:"leader" doc:"empty: there is none"`
	Term     uint64          `json:"term"`
	Members  []ClusterMember `json:"members"`
	Warnings []string        `json:"warnings" doc:"what to know before the next failure"`
}

// ClusterMember is one node. All but its id, address and role is by its own account.
type ClusterMember struct {
	ID            string  `json:"id"`
	Address       string  `json:"address"`
	Role          string  `json:"role" enum:"leader,voter,nonvoter"`
	Error         string  `json:"error,omitempty" doc:"why it did not answer"`
	Version       string  `json:"version,omitempty"`
	Level         int     `json:"level,omitempty" doc:"of the entries that its program knows: what is of a higher one is refused"`
	Applied       uint64  `json:"applied"`
	LagEntries    uint64  `json:"lag_entries" doc:"committed and not applied there"`
	LagSeconds    float64 `json:"lag_seconds"`
	LastContactMS int64   `json:"last_contact_ms" doc:"milliseconds since it heard its leader"`
	DiskFull      bool    `json:"disk_full"`
	Drained       bool    `json:"drained" doc:"it takes no clients"`
	Clients       *int    `json:"clients,omitempty" doc:"connected to it, by hpfeeds; left out: it did not answer"`
	Standing
}

// Standing is how long a member runs, what its log takes, and what goes through it.
type Standing struct {
	Traffic    *view.Traffic   `json:"traffic,omitempty" doc:"left out by older programs, and where it did not answer"`
	DiskBytes  uint64          `json:"disk_bytes,omitempty" doc:"all files of its log; left out by older programs"`
	Started    *time.Time      `json:"started,omitempty" doc:"when its program was; left out by older programs"`
	Backup     *time.Time      `json:"last_backup,omitempty" doc:"when it last handed out one to its end; left out: it knows of none"`
	BackupKind view.BackupKind `json:"last_backup_kind,omitempty" enum:"full,increment,state"`
}

// NodeOrder is about a node of the cluster; where that makes sense, the one that is asked when none is named.
type NodeOrder struct {
	Node  string `json:"node,omitempty" maxLength:"64"`
	Force bool   `json:"force,omitempty" doc:"although it harms"`
}

// NewJoinToken is a join token to make.
type NewJoinToken struct {
	Seconds int64 `json:"seconds" minimum:"60" maximum:"604800" doc:"how long the token is good"`
	Uses    int   `json:"uses,omitempty" minimum:"1" maximum:"100" doc:"how many nodes may join with it; none: one"`
}

// JoinToken is a secret with which nodes join. It is answered only once.
type JoinToken struct {
	ID      string    `json:"id"`
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
	Uses    int       `json:"uses"`
}

// JoinTokenPath names a join token.
type JoinTokenPath struct {
	ID string `path:"id" maxLength:"64"`
}

// ListedJoinToken is what is known of a join token, until a week after its end.
type ListedJoinToken struct {
	ID      string         `json:"id"`
	State   string         `json:"state" enum:"good,used,removed,expired"`
	Made    time.Time      `json:"made"`
	By      string         `json:"by" doc:"handle of who made it"`
	Expires time.Time      `json:"expires"`
	Uses    int            `json:"uses" doc:"how many nodes may join with it"`
	Used    []JoinTokenUse `json:"used"`
	Removed *time.Time     `json:"removed,omitempty"`
	Remover string         `json:"remover,omitempty" doc:"handle of who removed it"`
}

// JoinTokenUse is a node that came with a join token.
type JoinTokenUse struct {
	Node string    `json:"node"`
	Time time.Time `json:"time"`
}

// The operations on the cluster.
var (
	ShowCluster  = Op[None, Cluster]{"GET /cluster", "Show the members of the cluster"}
	AddJoinToken = Op[With[NewJoinToken], JoinToken]{
		"POST /cluster/tokens", "Make a token with which nodes join; it is shown only once",
	}
	ListJoinTokens  = Op[None, []ListedJoinToken]{"GET /cluster/tokens", "List the tokens with which nodes join"}
	RemoveJoinToken = Op[JoinTokenPath, None]{"DELETE /cluster/tokens/{id}", "Remove a token with which nodes join"}
	RemoveNode      = Op[With[NodeOrder], None]{
		"POST /cluster/remove", "Take a member out of the cluster; its node id is never used again",
	}
	PromoteNode        = Op[With[NodeOrder], None]{"POST /cluster/promote", "Give a member a vote"}
	TransferLeadership = Op[With[NodeOrder], None]{
		"POST /cluster/transfer", "Hand leadership to a member; without one, to the voter that has caught up best",
	}
	LeaveCluster = Op[With[NodeOrder], None]{
		"POST /cluster/leave", "Take the node that is asked out of the cluster; its server then stops",
	}
	DrainNode = Op[With[NodeOrder], None]{
		"POST /cluster/drain", "Send the clients of a node elsewhere; without one, of the node that is asked",
	}
	UndrainNode = Op[With[NodeOrder], None]{
		"POST /cluster/undrain", "Let a node take clients again; without one, the node that is asked",
	}
)
