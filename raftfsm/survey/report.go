package survey

import "time"

// Report is what a member says of itself.
type Report struct {
	Program
	State   string `json:"state"`  // Leader, Follower, Candidate, Shutdown
	Leader  string `json:"leader"` // as this member knows it
	Term    uint64 `json:"term"`
	Last    uint64 `json:"last"` // newest entry in its log
	Commit  uint64 `json:"commit"`
	Applied uint64 `json:"applied"`
	Times
	LastContact time.Duration `json:"lastContact"`
	Reader      bool          `json:"reader"`                // stays without a vote
	Checkpoints []Checkpoint  `json:"checkpoints,omitempty"` // what it found at the newest, newest last
	Starving    []string      `json:"starving,omitempty"`    // members that hear this leader and get no entries from it
	Service
}

// Program is what a member runs.
type Program struct {
	Version     string `json:"version"`
	Level       int    `json:"level"` // of the entries that it knows; 0: an older one does not say
	StateFormat int    `json:"stateFormat"`
}

// Knows is the level of the entries that the program knows, at least 1, see apply.Level.
func (r Program) Knows() int { return max(r.Level, 1) }

// Times are points in time.
type Times struct {
	AppliedAt time.Time `json:"appliedAt"`    // when the leader took the newest applied entry, by the leader's clock
	Now       time.Time `json:"now,omitzero"` // by the member's own clock; zero: it does not say
}

// Service is what a member does for clients.
type Service struct {
	Full    bool     `json:"full"`              // its disk is almost full: it takes nothing
	Drained bool     `json:"drained"`           // it sends clients elsewhere
	Notices []string `json:"notices,omitempty"` // sentences for its operator
	Removal *Removal `json:"removal,omitempty"` // nil: nothing waits, or an older program does not say

	Disk  uint64    `json:"disk,omitempty"` // bytes of its log's files; 0: an older program does not say
	Since time.Time `json:"since,omitzero"` // when it was started

	Serving
}

// Removal is of messages that go for their age although that is more than usual, once the grace is over.
type Removal struct {
	Oldest time.Time     `json:"oldest"` // of these messages
	Until  time.Time     `json:"until"`
	Left   time.Duration `json:"left"` // of the grace
}

// Serving is what the member's server tells of its clients.
type Serving struct {
	Clients    int       `json:"clients"`           // connected to it
	Traffic    *Traffic  `json:"traffic,omitempty"` // nil: an older program does not say
	Backup     time.Time `json:"backup,omitzero"`   // when it last handed out one to its end; zero: it knows of none
	BackupKind string    `json:"backupKind,omitempty"`
}

// Traffic is how much clients publish and receive a second, as of late.
type Traffic struct {
	MessagesIn  float64 `json:"messagesIn,omitempty"`
	MessagesOut float64 `json:"messagesOut,omitempty"`
	BytesIn     float64 `json:"bytesIn,omitempty"`
	BytesOut    float64 `json:"bytesOut,omitempty"`
}

// Roles of a member.
const (
	RoleLeader   = "leader"
	RoleVoter    = "voter"
	RoleNonvoter = "nonvoter"
)

// Member is one node of the cluster, as another sees it.
type Member struct {
	ID, Address, Role string
	Err               error  // why it did not answer; the Report is empty then
	Report            Report // by itself
	Lag               uint64 // entries committed and not applied there
	Behind            time.Duration
}

// Status is the cluster as one node sees it.
type Status struct {
	Cluster, Node, Leader string
	Term                  uint64
	Members               []Member // in the order of the configuration
	Warnings              []string
}

// Leader is what the leader says of itself, among all members; empty: none of them leads.
func Leader(members []Member) (r Report) {
	for _, m := range members {
		if m.Role == RoleLeader {
			r = m.Report
		}
	}
	return r
}

// Checkpoint is what a node found at an entry of KindCheckpoint. Hashes are equal on nodes whose logs, indexes and
// projections are.
type Checkpoint struct {
	Index uint64 `json:"index"`
	// Log is of the entries since the one before, and their index keys; empty: they are not all here.
	Log   string `json:"log,omitempty"`
	State string `json:"state"` // of the projections
}
