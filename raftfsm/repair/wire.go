package repair

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"hpfriends/eventlog"
)

// A question is from u64, to u64: applied entries of the log, both included. The answer is as many of them, from the
// first on, as fit into pieceBytes, but at least one. Each is
//
//	flags u8 | type u8 | term u64 | appended i64 | extensions length u32 | data length u32 | extensions | data
//
// appended is in unix nanoseconds, 0 if unknown. Flag 1: a batch that repeats another. Numbers are big endian.
const (
	questionSize = 8 + 8
	headSize     = 1 + 1 + 8 + 8 + 4 + 4
	flagHidden   = 1
	pieceBytes   = 1 << 20
)

var errMalformed = errors.New("repair: malformed")

func encodeQuestion(from, to uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, from), to)
}

func decodeQuestion(b []byte) (from, to uint64, err error) {
	if len(b) != questionSize {
		return 0, 0, fmt.Errorf("%w question of %d bytes, want %d", errMalformed, len(b), questionSize)
	}
	from, to = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	if from == 0 || from > to {
		return 0, 0, fmt.Errorf("%w question for entries %d to %d", errMalformed, from, to)
	}
	return from, to, nil
}

func appendEntry(b []byte, e *eventlog.Stored) []byte {
	flags, nanos := byte(0), int64(0)
	if e.Hidden {
		flags = flagHidden
	}
	if !e.Appended.IsZero() {
		nanos = e.Appended.UnixNano()
	}
	b = binary.BigEndian.AppendUint64(append(b, flags, e.Type), e.Term)
	b = binary.BigEndian.AppendUint64(b, uint64(nanos))
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Extensions)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Data)))
	return append(append(b, e.Extensions...), e.Data...)
}

// decodeEntries decodes an answer: entries from first on, up to last at most. They point into it.
func decodeEntries(b []byte, first, last uint64) (all []eventlog.Stored, err error) {
	for index := first; len(b) > 0; index++ {
		if len(b) < headSize || index > last || b[0]&^flagHidden != 0 {
			return nil, fmt.Errorf("%w answer at entry %d", errMalformed, index)
		}
		extensions, data := uint64(binary.BigEndian.Uint32(b[18:])), uint64(binary.BigEndian.Uint32(b[22:]))
		e := eventlog.Stored{Index: index, Type: b[1], Term: binary.BigEndian.Uint64(b[2:]), Hidden: b[0] == flagHidden}
		if nanos := int64(binary.BigEndian.Uint64(b[10:])); nanos != 0 {
			e.Appended = time.Unix(0, nanos).UTC()
		}
		b = b[headSize:]
		if extensions+data > uint64(len(b)) {
			return nil, fmt.Errorf("%w answer: entry %d is cut short", errMalformed, index)
		}
		if extensions > 0 {
			e.Extensions = b[:extensions:extensions]
		}
		if data > 0 {
			e.Data = b[extensions : extensions+data : extensions+data]
		}
		all, b = append(all, e), b[extensions+data:]
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w answer: no entries", errMalformed)
	}
	return all, nil
}
