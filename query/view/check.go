package view

import "time"

// CheckReport is what reading everything has found.
type CheckReport struct {
	Sound    bool          `json:"sound"`
	Damage   string        `json:"damage,omitempty" doc:"the first thing that is wrong: entry, file and, if known, byte"`
	Floor    uint64        `json:"floor" doc:"first entry that is kept"`
	Last     uint64        `json:"last"`
	Entries  uint64        `json:"entries"`
	Batches  uint64        `json:"batches"`
	Messages uint64        `json:"messages"`
	Bytes    uint64        `json:"bytes" doc:"of entries, as stored"`
	Index    uint64        `json:"index_keys"`
	Audit    *AuditSummary `json:"audit,omitempty"`
}

// ScrubStatus is how far the slow check is that goes on all the time.
type ScrubStatus struct {
	Began     time.Time  `json:"began,omitzero" doc:"when this round began"`
	Passed    float64    `json:"passed" doc:"share of the store that this round has read"`
	Completed *time.Time `json:"completed,omitempty" doc:"when a round last ended"`
	Found     uint64     `json:"found" doc:"damaged places found, in all rounds"`
	Damage    string     `json:"damage,omitempty" doc:"the first of this round, unless it was repaired"`
	Repaired  uint64     `json:"repaired,omitempty" doc:"blocks repaired from other nodes since the start, whoever found them"`
}

// Compaction is what putting old messages into blocks has brought.
type Compaction struct {
	Packed int    `json:"packed" doc:"blocks that were made"`
	Before int64  `json:"before" doc:"bytes of what is in them, as it was stored"`
	After  int64  `json:"after" doc:"bytes of these blocks"`
	Until  string `json:"until" doc:"what comes before this position is in blocks"`
	Blocks int    `json:"blocks" doc:"all that there are"`
	Bytes  uint64 `json:"bytes" doc:"of them"`
}
