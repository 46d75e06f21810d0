package eventlog

import (
	"encoding/binary"
	"fmt"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// Cursor is how far a durable subscription got: one for each authkey and name, in SpaceCursors.
//
// It holds two positions, because acknowledged is not the same as seen. A program that is killed leaves bytes in its
// kernel that TCP has acknowledged and that it never read. What comes before Safe it has read; a new subscription
// begins there. What comes before Acked its TCP has acknowledged on the connection that reads by it now, or did last.
type Cursor struct {
	Authkey     uint64
	Name        string
	Epoch       uint64   // index of the entry that claimed or reset it; only its connection moves it
	Held        bool     // a connection has claimed it and has not given it back; one that died with its node never does
	Acked, Safe Position // the first message that is not acknowledged, not certainly read; Safe is never after Acked
	Channel     string   // what was subscribed last
	Created     time.Time
	Updated     time.Time // of the last claim, advance or reset
}

// Limits of cursors.
const (
	MaxCursorChannel    = 512 // bytes of Cursor.Channel
	MaxCursorsOfAuthkey = 100
)

// A cursor in SpaceCursors. Numbers are big endian, times unix milliseconds.
//
//	key    authkey u64 | name to the end
//	value  version u8 | flags u8, 1: held | epoch u64 | acked: index u64, offset u32 | safe: index u64, offset u32
//	       | updated i64 | created i64 | channel to the end
const (
	cursorVersion = 1
	cursorHeld    = 1 << 0
	cursorHead    = 1 + 1 + 8 + 12 + 12 + 8 + 8
)

// CursorKey is the key of a cursor. With an empty name it is what the keys of all cursors of the authkey begin with.
func CursorKey(authkey uint64, name string) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(name)), authkey), name...)
}

// Encode returns the value of the cursor's key.
func (c *Cursor) Encode() []byte {
	flags := byte(0)
	if c.Held {
		flags = cursorHeld
	}
	v := append(make([]byte, 0, cursorHead+len(c.Channel)), cursorVersion, flags)
	v = binary.BigEndian.AppendUint64(v, c.Epoch)
	for _, p := range []Position{c.Acked, c.Safe} {
		v = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(v, p.Index), p.Offset)
	}
	v = binary.BigEndian.AppendUint64(v, uint64(c.Updated.UnixMilli()))
	v = binary.BigEndian.AppendUint64(v, uint64(c.Created.UnixMilli()))
	return append(v, c.Channel...)
}

// DecodeCursor decodes a record of SpaceCursors.
func DecodeCursor(key, value []byte) (Cursor, error) {
	if len(key) < 9 || len(value) < cursorHead {
		return Cursor{}, fmt.Errorf("eventlog: cursor record of %d and %d bytes, want at least 9 and %d",
			len(key), len(value), cursorHead)
	}
	if value[0] != cursorVersion || value[1]&^cursorHeld != 0 {
		return Cursor{}, fmt.Errorf("eventlog: cursor record of version %d with flags %#x, want version %d",
			value[0], value[1], cursorVersion)
	}
	position := func(at int) Position {
		return Position{Index: binary.BigEndian.Uint64(value[at:]), Offset: binary.BigEndian.Uint32(value[at+8:])}
	}
	return Cursor{
		Authkey: binary.BigEndian.Uint64(key), Name: string(key[8:]),
		Epoch: binary.BigEndian.Uint64(value[2:]), Held: value[1]&cursorHeld != 0,
		Acked: position(10), Safe: position(22),
		Updated: entry.Milliseconds(value[34:]), Created: entry.Milliseconds(value[42:]),
		Channel: string(value[cursorHead:]),
	}, nil
}

// Cursors calls fn for the cursors of an authkey in order of their names, until its first error.
func (l *Log) Cursors(authkey uint64, fn func(Cursor) error) error {
	prefix := CursorKey(authkey, "")
	return l.Scan(SpaceCursors, prefix, layout.After(prefix), func(k, v []byte) error {
		c, err := DecodeCursor(k, v)
		if err != nil {
			return err
		}
		return fn(c)
	})
}
