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
	Damage    string     `json:"damage,omitempty" doc:"the first of this round"`
}
