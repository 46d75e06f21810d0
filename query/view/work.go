package view

import "time"

// Traffic is how much goes through a node: messages and bytes a second, over the last ten seconds.
type Traffic struct {
	MessagesIn  float64 `json:"messages_in" doc:"published by clients of the node, a second"`
	MessagesOut float64 `json:"messages_out" doc:"written to its subscribers, a second"`
	BytesIn     float64 `json:"bytes_in" doc:"received from its clients, a second"`
	BytesOut    float64 `json:"bytes_out" doc:"sent to its clients, a second"`
}

// LastBackup is the newest backup that a node knows of: it has handed it out to its end. Whether it was verified, and
// where it is kept, knows who took it.
type LastBackup struct {
	Completed time.Time `json:"completed"`
	Bytes     uint64    `json:"bytes"`
	Through   uint64    `json:"through" doc:"index of its last entry"`
	NoHistory bool      `json:"no_history,omitempty" doc:"it has no messages"`
	After     uint64    `json:"after,omitempty" doc:"index of the last entry of the older backup that it goes on from"`
}
