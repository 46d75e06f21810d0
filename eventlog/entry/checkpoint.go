package entry

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Checkpoint is an entry of KindCheckpoint: all nodes look at their state at the same index. Kept says that they keep
// it, so that the log may be cut there. Time is of the proposer's clock, in milliseconds.
type Checkpoint struct {
	Kept bool
	Time time.Time
}

// The data of a KindCheckpoint entry:
//
//	kind (1) | version (1) | flags (1; 1: kept) | time (8, unix milliseconds, big endian)
const (
	checkpointVersion = 1
	checkpointSize    = 3 + 8
	checkpointKept    = 1
)

// Encode returns the entry's data, kind byte first.
func (e *Checkpoint) Encode() []byte {
	d := []byte{byte(KindCheckpoint), checkpointVersion, 0}
	if e.Kept {
		d[2] = checkpointKept
	}
	return binary.BigEndian.AppendUint64(d, uint64(e.Time.UnixMilli()))
}

// DecodeCheckpoint decodes an entry's data, kind byte first.
func DecodeCheckpoint(data []byte) (*Checkpoint, error) {
	if len(data) != checkpointSize || Kind(data[0]) != KindCheckpoint ||
		data[1] != checkpointVersion || data[2] > checkpointKept {
		return nil, fmt.Errorf("eventlog: not a checkpoint of version %d", checkpointVersion)
	}
	return &Checkpoint{
		Kept: data[2] == checkpointKept, Time: Milliseconds(data[3:]),
	}, nil
}
