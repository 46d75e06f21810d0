package mend

import (
	"bytes"
	"errors"
	"fmt"

	"hpfriends/eventlog/block"
	"hpfriends/eventlog/check"
	"hpfriends/eventlog/cold"
	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// Maker collects entries, and makes a block of them with all that is noted of them.
type Maker struct {
	Head    cold.Head // Stored and Total are the caller's
	Marks   []cold.Mark
	Holds   map[layout.Series][]uint64 // entries by what they hold
	Encoded []byte
	records []layout.Record // shared with writer
	writer  block.Writer
}

// NewMaker returns one for entries from first on, whose times are at before or later.
func NewMaker(first uint64, before int64) *Maker {
	return &Maker{
		Head: cold.Head{First: first, Before: before, Time: before}, Holds: make(map[layout.Series][]uint64),
	}
}

// Add takes the next entry with its mark. It keeps what the record refers to.
func (m *Maker) Add(r layout.Record, mark cold.Mark) error {
	if want := m.Head.First + uint64(len(m.records)); r.Index != want {
		return layout.Inconsistent(want, "missing, the next entry is %d", r.Index)
	}
	if n := len(m.records); n > 0 && r.Term < m.records[n-1].Term {
		return layout.Inconsistent(r.Index, "term %d after %d", r.Term, m.records[n-1].Term)
	}
	if isBatch := r.Kind() == entry.KindBatch; isBatch != mark.Batch || mark.Hidden && !isBatch {
		return layout.Inconsistent(r.Index, "applied batch: %t, marked as one: %t", isBatch, mark.Batch)
	}
	if mark.Batch {
		if mark.Time < m.Head.Time {
			return layout.Inconsistent(r.Index, "time %d after %d", mark.Time, m.Head.Time)
		}
		m.Head.Time = mark.Time
	}
	if mark.Batch && !mark.Hidden {
		h, err := r.Header()
		if err != nil {
			return err
		}
		check.AddSeries(m.Holds, r.Index, &h)
	}
	m.records, m.Marks, m.Head.Last = append(m.records, r), append(m.Marks, mark), r.Index
	m.writer.Add(block.Entry{
		Index: r.Index, Term: r.Term, Type: r.Type, Appended: r.Nanos(), Hidden: mark.Hidden, Extensions: r.Extensions,
		Data: r.Data,
	})
	return nil
}

// Again is Add, of an entry whose mark is to be found again: it has the newest time of any batch that readers see.
func (m *Maker) Again(r layout.Record, hidden bool) error {
	mark := cold.Mark{Batch: r.Kind() == entry.KindBatch, Hidden: hidden, Time: m.Head.Time}
	if mark.Batch && !hidden {
		h, err := r.Header()
		if err != nil {
			return err
		}
		mark.Time = max(mark.Time, h.Time())
	}
	return m.Add(r, mark)
}

// Size is about how many bytes are collected, unpacked.
func (m *Maker) Size() int { return m.writer.Size() }

// Len is how many entries are collected.
func (m *Maker) Len() int { return len(m.records) }

// Encode makes the block, with a call of rest after each piece of work, and reads it back: what cannot be read does not
// take the place of anything.
func (m *Maker) Encode(rest func()) error {
	if len(m.records) == 0 {
		return errors.New("eventlog: a block of no entries")
	}
	m.Encoded = m.writer.EncodePaced(rest)
	m.Head.Size, m.Head.Sum = int64(len(m.Encoded)), cold.Sum(m.Encoded)
	b, err := block.Open(bytes.NewReader(m.Encoded), m.Head.Size)
	if err != nil {
		return fmt.Errorf("eventlog: pack: %w", err)
	}
	rest()
	n := 0
	err = b.Entries(func(e *block.Entry) error {
		if n%256 == 0 {
			rest()
		}
		if n >= len(m.records) {
			return fmt.Errorf("%d entries and more, want %d", n, len(m.records))
		}
		want, got := &m.records[n], layout.ColdRecord(e)
		n++
		if got.Index != want.Index || got.Term != want.Term || got.Type != want.Type || got.Nanos() != want.Nanos() ||
			e.Hidden != m.Marks[n-1].Hidden || !bytes.Equal(got.Extensions, want.Extensions) ||
			!bytes.Equal(got.Bytes(), want.Data) {
			return fmt.Errorf("entry %d does not come back as it was", want.Index)
		}
		if e.Batch == nil && m.Marks[n-1].Batch && !e.Hidden {
			m.Head.Raw++
		}
		return nil
	})
	if err == nil && n != len(m.records) {
		err = fmt.Errorf("%d entries, want %d", n, len(m.records))
	}
	if err != nil {
		return fmt.Errorf("eventlog: pack: %w", err)
	}
	return nil
}
