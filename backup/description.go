package backup

import (
	"fmt"
	"time"

	"hpfriends/eventlog/block"
)

// format is the version of the file.
const format = 1

// Description is how a backup begins: whose it is, and what is in it.
type Description struct {
	Format  int       `json:"format"`
	ID      string    `json:"id"`
	Cluster string    `json:"cluster"`
	Node    string    `json:"node"`
	Program string    `json:"program"`
	Made    time.Time `json:"made"`
	Floor   uint64    `json:"floor"`           // of the log that it was made of
	State   uint64    `json:"state,omitempty"` // entry whose state it begins with; 0: none
	First   uint64    `json:"first"`           // entry that it has; First > Last: none
	Last    uint64    `json:"last"`            // entry up to which it goes
	Term    uint64    `json:"term"`            // of Last
	After   *Base     `json:"after,omitempty"` // what it goes on from; nil: it stands by itself
}

// Base is the end of a backup, from which another goes on.
type Base struct {
	Backup  string `json:"backup"`
	Cluster string `json:"cluster"`
	Index   uint64 `json:"index"`
	Term    uint64 `json:"term"`
}

// End is how a backup ends: what was written, to be compared with what is read.
type End struct {
	Entries  uint64 `json:"entries"`
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"` // of the entries, as the log stores them
	Blocks   uint64 `json:"blocks"`
	SHA256   string `json:"sha256"` // of everything before the end, hexadecimal
}

func (e *End) add(b *block.Entry) {
	e.Entries++
	e.Messages += uint64(b.Messages())
	e.Bytes += uint64(len(b.Bytes()) + len(b.Extensions))
}

// Base is where the next backup goes on.
func (d *Description) Base() Base {
	return Base{Backup: d.ID, Cluster: d.Cluster, Index: d.Last, Term: d.Term}
}

// entries is how many there are.
func (d *Description) entries() uint64 { return d.Last + 1 - d.First }

func (d *Description) check() error {
	switch {
	case d.Format != format:
		return damaged("it is of format %d, this program knows %d: use the version that wrote it (%s), or a later one",
			d.Format, format, d.Program)
	case d.First == 0 || d.First > d.Last+1:
		return damaged("it says that it has the entries %d to %d", d.First, d.Last)
	case d.State != 0 && (d.State+1 != d.First || d.After != nil),
		d.After != nil && d.After.Index+1 != d.First,
		d.State == 0 && d.After == nil && d.First != 1:
		return damaged("it has the entries from %d on, and not what was before them", d.First)
	}
	return nil
}

// Error says what is wrong with a file.
type Error struct{ Reason string }

func (e *Error) Error() string { return "backup: " + e.Reason }

func damaged(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }
