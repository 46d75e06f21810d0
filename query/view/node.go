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
	Kind      BackupKind `json:"kind" enum:"full,increment,state"`
	Completed time.Time  `json:"completed"`
	Bytes     uint64     `json:"bytes"`
	Through   uint64     `json:"through" doc:"index of its last entry"`
	After     uint64     `json:"after,omitempty" doc:"index of the last entry of the older backup that it goes on from"`
}

// BackupKind says what a backup has.
type BackupKind string

// The kinds of backups.
const (
	FullBackup BackupKind = "full"      // the state and all messages
	Increment  BackupKind = "increment" // what came after an older backup
	StateOnly  BackupKind = "state"     // the state without messages
)

// BackupKinds are all of them.
var BackupKinds = []BackupKind{FullBackup, Increment, StateOnly}

// String is what people call it.
func (k BackupKind) String() string {
	if k == StateOnly {
		return "state alone"
	}
	return string(k)
}
