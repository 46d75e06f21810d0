package block

import (
	"cmp"
	"encoding/binary"
	"slices"

	"hpfriends/eventlog/entry"
)

// The envelope has of each entry what is not in its runs, by columns:
//
//	sessions    n, then n x 16 bytes
//	flags       1 byte each: 1 the entry is a batch whose runs are in the chunks, 2 it is hidden
//	type        1 byte each
//	term        minus the one before
//	appended    minus the one before, signed
//	extensions  bytes of them
//	batches     place of the session, sequence number minus the session's last plus one (signed), runs
//	others      bytes of the data
//	extensions, then the data of the others, one after the other
const (
	flagBatch  = 1 << 0
	flagHidden = 1 << 1
)

func encodeEnvelope(entries []Entry) []byte {
	places := make(map[[16]byte]int)
	var sessions, flags, types, terms, times, lengths, numbers, blobs, data []byte
	var term uint64
	var at int64
	last := make(map[int]uint64) // sequence number by session
	for i := range entries {
		e := &entries[i]
		types = append(types, e.Type)
		terms, term = binary.AppendUvarint(terms, e.Term-term), e.Term
		times, at = binary.AppendVarint(times, e.Appended-at), e.Appended
		lengths = binary.AppendUvarint(lengths, uint64(len(e.Extensions)))
		blobs = append(blobs, e.Extensions...)
		var flag byte
		if e.Hidden {
			flag |= flagHidden
		}
		if b := e.Batch; b != nil {
			flag |= flagBatch
			place, ok := places[b.Session]
			if !ok {
				place = len(places)
				places[b.Session] = place
				sessions = append(sessions, b.Session[:]...)
			}
			numbers = binary.AppendUvarint(numbers, uint64(place))
			numbers = binary.AppendVarint(numbers, int64(b.Seq-last[place]-1))
			numbers = binary.AppendUvarint(numbers, uint64(len(b.Runs)))
			last[place] = b.Seq
		} else {
			numbers = binary.AppendUvarint(numbers, uint64(len(e.Data)))
			data = append(data, e.Data...)
		}
		flags = append(flags, flag)
	}
	out := binary.AppendUvarint(nil, uint64(len(places)))
	for _, column := range [][]byte{sessions, flags, types, terms, times, lengths, numbers, blobs, data} {
		out = append(out, column...)
	}
	return out
}

// envelope is the entries of a block before their runs are there.
type envelope struct {
	entries []Entry
	runs    []uint64 // how many each has
}

func decodeEnvelope(raw []byte, first, last uint64) (*envelope, error) {
	c := newColumns(raw)
	sessions := make([][16]byte, c.count("sessions", 16))
	for i := range sessions {
		copy(sessions[i][:], c.Bytes(16))
	}
	if n := last - first; n >= uint64(len(c.Rest)) {
		c.Fail("%d entries and more in %d bytes", n, len(c.Rest))
		return nil, c.Err
	}
	n := last - first + 1
	e := &envelope{entries: make([]Entry, n), runs: make([]uint64, n)}
	flags, types := c.Bytes(n), c.Bytes(n)
	if c.Err != nil {
		return nil, c.Err
	}
	var term uint64
	for i := range e.entries {
		term += c.Uvarint()
		e.entries[i] = Entry{Index: first + uint64(i), Term: term, Type: types[i], Hidden: flags[i]&flagHidden != 0}
		if flags[i]&^(flagBatch|flagHidden) != 0 || flags[i] == flagBatch|flagHidden {
			c.Fail("flags %#x", flags[i])
		}
	}
	var at int64
	for i := range e.entries {
		at += c.Varint()
		e.entries[i].Appended = at
	}
	e.contents(&c, flags, sessions)
	return e, c.end("envelope")
}

// contents reads what differs between batches and others, and the bytes of both.
func (e *envelope) contents(c *columns, flags []byte, sessions [][16]byte) {
	extensions, data := make([]uint64, len(flags)), make([]uint64, len(flags))
	for i := range extensions {
		extensions[i] = c.Uvarint()
	}
	sequence := make([]uint64, len(sessions))
	for i := range data {
		if flags[i]&flagBatch == 0 {
			data[i] = c.Uvarint()
			continue
		}
		place, step := c.below("session", len(sessions)), uint64(c.Varint())
		e.runs[i] = c.Uvarint()
		if c.Err != nil {
			return
		}
		sequence[place] += step + 1
		e.entries[i].Batch = &entry.Batch{Header: entry.Header{Session: sessions[place], Seq: sequence[place]}}
	}
	for i, n := range extensions {
		if n > 0 {
			e.entries[i].Extensions = c.Bytes(n)
		}
	}
	for i, n := range data {
		if n > 0 {
			e.entries[i].Data = c.Bytes(n)
		}
	}
}

// allocate makes room for the runs of all batches, of which the block's tables have bytes for at most limit.
func (e *envelope) allocate(limit uint64) error {
	total := uint64(0)
	for _, n := range e.runs {
		if total += n; n > limit || total > limit {
			return malformed("%d runs, at most %d", total, limit)
		}
	}
	room := make([]entry.Run, total)
	for i, n := range e.runs {
		if b := e.entries[i].Batch; b != nil {
			b.Runs, room = room[:0:n], room[n:]
		}
	}
	return nil
}

// add gives the batches some of their runs, in any order.
func (e *envelope) add(runs []run) error {
	for i := range runs {
		r := &runs[i]
		b := e.entries[r.index-e.entries[0].Index].Batch
		if b == nil || len(b.Runs) == cap(b.Runs) {
			return malformed("entry %d has more runs than it should", r.index)
		}
		b.Runs = append(b.Runs, r.Run)
		b.Raw += int(r.Size)
	}
	return nil
}

// finish puts the runs of each batch in order and checks that nothing is missing.
func (e *envelope) finish() error {
	for i := range e.entries {
		b := e.entries[i].Batch
		if b == nil {
			continue
		}
		if len(b.Runs) != cap(b.Runs) {
			return malformed("entry %d has %d runs, want %d", e.entries[i].Index, len(b.Runs), cap(b.Runs))
		}
		slices.SortFunc(b.Runs, func(x, y entry.Run) int { return cmp.Compare(x.First, y.First) })
		messages := uint32(0)
		for j := range b.Runs {
			if b.Runs[j].First != messages {
				return malformed("entry %d has message %d where %d belongs", e.entries[i].Index, b.Runs[j].First, messages)
			}
			messages += b.Runs[j].Count
		}
	}
	return nil
}
