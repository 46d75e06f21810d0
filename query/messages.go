package query

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/history"
	"hpfriends/wire"
)

// MessageFilter selects past messages.
type MessageFilter struct {
	Patterns []graph.Pattern
	From     eventlog.Position // the first; the zero Position is the oldest that is retained
	Until    eventlog.Position // this one and what comes after is left out; zero: the end of the log as it is now
	Period   eventlog.Period   // of the messages' own times
	Limit    uint64            // messages; 0: all
	Newest   bool              // the newest first
	Contains []byte            // in the payload; counts do not go by it
}

// Message is a past message. Its slices are shared with other readers: they are read-only.
type Message struct {
	Position eventlog.Position
	Time     time.Time // when the node that received it did so
	Channel  string
	Ident    []byte
	Origin   string // handle; empty when the user is there no more
	Payload  []byte
}

// Gap says that retention has taken what was in [From, To) before it was read. It is no failure: reading goes on after
// it.
type Gap struct{ From, To eventlog.Position }

func (g *Gap) Error() string {
	return fmt.Sprintf("query: messages from %s to %s are not retained any more", g.From, g.To)
}

// Messages reads past messages in log order, or the newest first. What it yields is decided by the newest graph at each
// entry: a share that is removed while it reads ends what the viewer gets by it there. It belongs to one goroutine.
//
// A user may read what reaches them now, from the position on from which they see it: their own, and what is shared
// with them. The operator may read everything. Admins and auditors are users here: a role opens no payloads.
type Messages struct {
	log     *eventlog.Log
	filter  MessageFilter
	rights  rights
	cursor  *history.Cursor
	at, end eventlog.Position // what is left to read is in [at, end)
	late    eventlog.Position // the first message after the period; zero: none was met
	oldest  bool              // at is wherever the log begins
	entries []uint64          // found, next to read first
	read    uint64            // messages
	readEntry
}

// readEntry is the entry at hand.
type readEntry struct {
	index   uint64 // 0: none
	content eventlog.Content
	header  entry.Header // of content
	parts   []part       // next to read first
	batch   *entry.Batch // nil until it is unpacked
	room    []byte       // of its frames
	kept    bool         // somebody has a message of it
	frames  [][]byte     // of parts[0]; the next is the first, or the last when the newest comes first
}

// part is what of a run was asked for and may be read: the messages [lo, hi) of the entry.
type part struct {
	run    int
	lo, hi uint32
}

// lookFor is how many entries are looked for at a time.
const lookFor = 256

// Messages begins reading. It reads to the end that the log has now.
func (q *Query) Messages(viewer graph.Actor, f MessageFilter) *Messages {
	m := &Messages{
		log: q.log, filter: f, rights: newRights(q.node, viewer), at: f.From, end: f.Until,
		oldest: f.From == eventlog.Position{},
	}
	m.cursor = history.NewCursor(q.log, m.rights.selector(f.Patterns), f.Newest)
	last := eventlog.Position{Index: q.log.Applied() + 1}
	if (m.end == eventlog.Position{}) || last.Compare(m.end) < 0 {
		m.end = last
	}
	if m.oldest {
		m.at.Index = q.log.Floor()
	}
	return m
}

// Read is how many messages Next has returned.
func (m *Messages) Read() uint64 { return m.read }

// Rest is where to go on: From for what was not read yet, or Until when the newest comes first. Behind the end of a
// period that is its first message after the period.
func (m *Messages) Rest() eventlog.Position {
	switch {
	case m.filter.Newest:
		return m.end
	case m.late != eventlog.Position{} && m.at.Compare(m.end) >= 0:
		return m.late
	default:
		return m.at
	}
}

// Next returns the next message. The error is io.EOF after the last, a *Gap once for each gap, after which reading may
// go on, or why reading failed.
func (m *Messages) Next(ctx context.Context) (Message, error) {
	for {
		found, err := m.any(ctx)
		if err != nil {
			return found, err
		}
		if bytes.Contains(found.Payload, m.filter.Contains) {
			m.kept = true
			m.read++
			return found, nil
		}
	}
}

// any is the next message, whatever it contains. Its payload lasts until the next, unless it is kept.
func (m *Messages) any(ctx context.Context) (Message, error) {
	for len(m.frames) == 0 {
		if m.limited() {
			return Message{}, io.EOF
		}
		if len(m.parts) == 0 {
			if err := m.nextEntry(ctx); err != nil {
				return Message{}, err
			}
			if err := m.unpack(); err != nil {
				return Message{}, err
			}
		}
		m.cutFrames()
	}
	if m.limited() {
		return Message{}, io.EOF
	}
	return m.take()
}

// unpack makes the batch at hand, in the room of the one before if nobody has a message of that: who looks for a rare
// text goes through a lot of them.
func (m *Messages) unpack() (err error) {
	if m.kept {
		m.room, m.kept = nil, false
	}
	m.batch, err = m.content.Batch(&m.room)
	return err
}

func (m *Messages) limited() bool { return m.filter.Limit > 0 && m.read >= m.filter.Limit }

// take returns the next of frames.
func (m *Messages) take() (Message, error) {
	p := &m.parts[0]
	run := &m.batch.Runs[p.run]
	n, offset := 0, p.lo
	if m.filter.Newest {
		n, offset = len(m.frames)-1, p.hi-1
	}
	ident, _, payload, err := wire.ParsePublish(m.frames[n])
	if err != nil {
		return Message{}, &eventlog.CorruptError{Index: m.index, Reason: "a frame that is no message", Err: err}
	}
	at := eventlog.Position{Index: m.index, Offset: offset}
	if m.filter.Newest {
		m.frames, p.hi, m.end = m.frames[:n], offset, at
	} else {
		m.frames, p.lo, m.at = m.frames[1:], offset+1, eventlog.Position{Index: m.index, Offset: offset + 1}
	}
	if len(m.frames) == 0 {
		m.parts = m.parts[1:]
	}
	origin := handle(m.rights.by, graph.UserID(run.Origin))
	return Message{at, time.UnixMilli(run.Time).UTC(), run.Channel, ident, origin, payload}, nil
}

// cutFrames finds the frames of parts[0]. The batch was checked when it was decoded.
func (m *Messages) cutFrames() {
	p := m.parts[0]
	run := &m.batch.Runs[p.run]
	all := run.Frames
	m.frames = m.frames[:0]
	for offset := run.First; offset < p.hi; offset++ {
		n, _ := wire.Header(all)
		if offset >= p.lo {
			m.frames = append(m.frames, all[:n:n])
		}
		all = all[n:]
	}
}

// nextEntry goes to the next entry with something to read, and sets index and parts.
func (m *Messages) nextEntry(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		m.leave()
		if len(m.entries) == 0 {
			if err := m.fill(); err != nil {
				return err
			}
			continue // nothing in this window, perhaps
		}
		m.index, m.entries = m.entries[0], m.entries[1:]
		m.renew() // before the entry is read, of which there is what is selected
		var err error
		m.content, err = m.cursor.Read(m.index)
		if errors.Is(err, eventlog.ErrBelowFloor) {
			m.entries, m.index = nil, 0
			continue
		}
		if err != nil {
			return err
		}
		if m.header = m.content.Header; m.choose() {
			m.cursor.Vain(len(m.header.Runs))
		}
		if len(m.parts) > 0 {
			return nil
		}
	}
}

// leave counts the entry at hand as read.
func (m *Messages) leave() {
	switch {
	case m.index == 0:
	case m.filter.Newest:
		m.end = eventlog.Position{Index: m.index}
	default:
		m.at = eventlog.Position{Index: m.index + 1}
	}
	m.index = 0
}

// renew takes the newest graph. What was found by another one is not to be relied on.
func (m *Messages) renew() (changed bool) {
	if changed = m.rights.renew(); changed {
		m.cursor.Select(m.rights.selector(m.filter.Patterns))
		m.entries = nil
	}
	return changed
}

// choose sets parts to what of the entry at hand was asked for and may be read. In vain: of all times, nothing.
func (m *Messages) choose() (vain bool) {
	m.parts, vain = m.parts[:0], true
	for i := range m.header.Runs {
		r := &m.header.Runs[i]
		p := part{i, r.First, r.First + r.Count}
		if m.index == m.at.Index {
			p.lo = max(p.lo, m.at.Offset)
		}
		if m.index == m.end.Index {
			p.hi = min(p.hi, m.end.Offset)
		}
		if p.lo >= p.hi || !m.asked(r.Channel) || !m.rights.allow(r, m.index) {
			continue
		}
		vain = false
		switch {
		case m.filter.Period.Holds(r.Time):
			m.parts = append(m.parts, p)
		case m.late == eventlog.Position{} && m.filter.Period.Ended(r.Time):
			m.late = eventlog.Position{Index: m.index, Offset: p.lo}
		}
	}
	if m.filter.Newest {
		slices.Reverse(m.parts)
	}
	return vain
}

func (m *Messages) asked(channel string) bool {
	for _, p := range m.filter.Patterns {
		if p.Match(channel) {
			return true
		}
	}
	return false
}

// fill finds the next entries, if there are any. io.EOF: nothing is left; a *Gap: retention was first.
func (m *Messages) fill() (err error) {
	if m.at.Compare(m.end) >= 0 {
		return io.EOF
	}
	above := m.end.Index // of the entries that begin before the end
	if m.end.Offset > 0 {
		above++
	}
	var found []uint64
	var upto uint64
	for again := true; again; again = m.renew() {
		if m.filter.Newest {
			found, upto, err = m.cursor.Before(above, m.at.Index, lookFor)
		} else {
			found, upto, err = m.cursor.Next(m.at.Index, lookFor)
		}
		if err != nil {
			return err
		}
	}
	// The floor after the look: so nothing can have vanished between the two.
	if floor := (eventlog.Position{Index: m.log.Floor()}); m.at.Compare(floor) < 0 {
		return m.gap(floor)
	}
	if !m.filter.Newest {
		found = found[:sort.Search(len(found), func(i int) bool { return found[i] >= above })]
	}
	switch m.entries = found; {
	case len(found) > 0:
	case m.filter.Newest:
		m.end = eventlog.Position{Index: upto}
	case upto < above:
		m.at = eventlog.Position{Index: upto}
	default:
		m.at = m.end
	}
	return nil
}

// gap moves on to the floor, and says what was missed. To who asked for whatever is retained that is nothing.
func (m *Messages) gap(floor eventlog.Position) error {
	if floor.Compare(m.end) > 0 {
		floor = m.end
	}
	g := &Gap{m.at, floor}
	m.at = floor
	if m.oldest && m.read == 0 {
		return nil
	}
	return g
}

// Await returns as soon as the log has an entry at or behind what was read, or with the error of ctx.
func (m *Messages) Await(ctx context.Context) error {
	if m.at.Index == 0 {
		return nil
	}
	_, err := m.log.Wait(ctx, m.at.Index-1)
	return err
}
