package entry

import (
	"encoding/binary"
	"fmt"
	"time"
)

// FloorReason is why the floor rises.
type FloorReason byte

// The reasons.
const (
	FloorByAge  FloorReason = 1 // everything below is older than messages are kept
	FloorBySize FloorReason = 2 // the log was larger than it may be
)

func (r FloorReason) String() string {
	switch r {
	case FloorByAge:
		return "age"
	case FloorBySize:
		return "size"
	}
	return fmt.Sprintf("reason %d", byte(r))
}

// Floor is an entry of KindFloor: the decision of retention that entries below Floor are gone, on every node at the
// same index. Time is of the proposer's clock, in milliseconds.
type Floor struct {
	Floor  uint64
	Reason FloorReason
	Time   time.Time
}

// The data of a KindFloor entry, numbers big endian.
//
//	kind (1) | version (1) | reason (1) | time (8, unix milliseconds) | floor (8)
const (
	floorVersion = 1
	floorSize    = 3 + 8 + 8
)

// Encode returns the entry's data, kind byte first.
func (e *Floor) Encode() []byte {
	d := []byte{byte(KindFloor), floorVersion, byte(e.Reason)}
	d = binary.BigEndian.AppendUint64(d, uint64(e.Time.UnixMilli()))
	return binary.BigEndian.AppendUint64(d, e.Floor)
}

// DecodeFloor decodes an entry's data, kind byte first.
func DecodeFloor(data []byte) (*Floor, error) {
	if len(data) != floorSize || Kind(data[0]) != KindFloor || data[1] != floorVersion {
		return nil, fmt.Errorf("eventlog: not a floor of version %d", floorVersion)
	}
	e := &Floor{
		Reason: FloorReason(data[2]), Time: Milliseconds(data[3:]),
		Floor: binary.BigEndian.Uint64(data[11:]),
	}
	if e.Floor == 0 {
		return nil, fmt.Errorf("eventlog: floor 0: the log begins at 1")
	}
	return e, nil
}
