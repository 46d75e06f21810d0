package traffic

import (
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// rowsOf is Rows, of the origins alone. It costs the names of what these have published on, and looking up what is
// wanted.
func (p *Projection) rowsOf(ctx context.Context, in Range, a Asked, fn func(Row) error) error {
	m, err := p.merge(ctx, in, a.Origins())
	if err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, err := m.some()
		if err != nil || len(next) == 0 {
			return err
		}
		if a.Wants != nil { // which may take a while
			next = slices.DeleteFunc(next, func(s Series) bool { return !a.Wants(s) })
		}
		rows, err := p.lookUp(next)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := fn(r); err != nil {
				return err
			}
		}
	}
}

// merge begins to go through what some origins publish in a range. What is open now is sealed before it is forgotten,
// so whatever there is now is found in one of the two.
func (p *Projection) merge(ctx context.Context, in Range, origins []graph.UserID) (*merge, error) {
	m, of := &merge{log: p.log}, make(map[graph.UserID]bool, len(origins))
	for _, o := range origins {
		of[o] = true
	}
	p.mu.Lock()
	for _, s := range p.openIn(string(in.from), string(in.to)) {
		if of[s.Origin] {
			m.open = append(m.open, s.key)
		}
	}
	p.mu.Unlock()
	from := in.from[1:]
	if channel, _, ok := eventlog.CutChannel(from); ok { // ... of which some origins were passed
		from = eventlog.AppendChannel(nil, channel)
	}
	for o := range of {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := &names{least: string(in.from), from: append(originKey(o), from...), to: append(originKey(o), in.to[1:]...)}
		if len(in.to) == 1 { // behind all channels
			n.to = keyAfter(originKey(o))
		}
		if err := n.fill(p.log); err != nil {
			return nil, err
		}
		if len(n.keys) > 0 {
			m.stored = append(m.stored, n)
		}
	}
	heap.Init(&m.stored)
	return m, nil
}

// some returns the next series, none at the end.
func (m *merge) some() (all []Series, err error) {
	for len(all) < rowsAtOnce {
		key, err := m.next()
		if err != nil || key == "" {
			return all, err
		}
		of, _, err := parseSeries([]byte(key))
		if err != nil {
			return nil, err
		}
		all = append(all, of)
	}
	return all, nil
}

// lookUp returns the rows of some series.
func (p *Projection) lookUp(all []Series) (rows []Row, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, of := range all {
		r := Row{Series: of, start: p.start, counted: p.counted}
		if r.All, err = sealed(p.log, of); err != nil {
			return nil, err
		}
		if open := p.open[of]; open != nil {
			r.open = *open
			r.All.join(r.open)
		}
		if r.All.Messages > 0 { // else retention took it meanwhile
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// merge brings what each of some origins publishes into the order of series.
type merge struct {
	log    *eventlog.Log
	open   []string // keys of records of series that were open
	stored byKey
}

// next returns the next key of a series, "" at the end.
func (m *merge) next() (key string, err error) {
	if len(m.open) > 0 {
		key = m.open[0]
	}
	if len(m.stored) > 0 && (key == "" || m.stored[0].keys[0] <= key) {
		n := m.stored[0]
		first := n.keys[0]
		if n.keys = n.keys[1:]; len(n.keys) == 0 {
			if err := n.fill(m.log); err != nil {
				return "", err
			}
		}
		if len(n.keys) > 0 {
			heap.Fix(&m.stored, 0)
		} else {
			heap.Pop(&m.stored)
		}
		if first != key {
			return first, nil
		}
	}
	if key != "" {
		m.open = m.open[1:]
	}
	return key, nil
}

// names are what is stored of the channels of one origin.
type names struct {
	least    string   // key of a series
	from, to []byte   // of what is not read yet; nil: all is
	keys     []string // of the records of their series
}

// namesAtOnce is how many names of one origin are read ahead.
const namesAtOnce = 64

func (n *names) fill(log *eventlog.Log) error {
	if n.from == nil {
		return nil
	}
	n.keys = n.keys[:0]
	err := log.Scan(eventlog.SpaceChannels, n.from, n.to, func(k, _ []byte) error {
		if len(n.keys) == namesAtOnce {
			n.from = slices.Clone(k)
			return errEnough
		}
		of, err := parseNamed(k)
		if key := string(of.key(recordSeries)); key >= n.least {
			n.keys = append(n.keys, key)
		}
		return err
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	n.from = nil
	return err
}

// byKey is a heap of names that are not at their end.
type byKey []*names

func (b byKey) Len() int           { return len(b) }
func (b byKey) Less(i, j int) bool { return b[i].keys[0] < b[j].keys[0] }
func (b byKey) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b *byKey) Push(x any)        { *b = append(*b, x.(*names)) }

// Pop removes the last.
func (b *byKey) Pop() any {
	old := *b
	last := old[len(old)-1]
	*b = old[:len(old)-1]
	return last
}

func originKey(o graph.UserID) []byte {
	return binary.BigEndian.AppendUint64([]byte{recordOrigin}, uint64(o))
}

func (s Series) namedKey() []byte { return eventlog.AppendChannel(originKey(s.Origin), s.Channel) }

func parseNamed(key []byte) (s Series, err error) {
	channel, rest, ok := "", []byte(nil), false
	if len(key) > 9 {
		channel, rest, ok = eventlog.CutChannel(key[9:])
	}
	if !ok || len(rest) > 0 {
		return s, errors.New("traffic: malformed key of a channel of an origin")
	}
	return Series{channel, graph.UserID(binary.BigEndian.Uint64(key[1:]))}, nil
}

// nameAll makes the records of the channels by origin from those of the series, which a program that did not know of
// them has written.
func nameAll(ctx context.Context, log *eventlog.Log) error {
	tx, n := log.BeginUpdate(), 0
	commit := func() error {
		err := tx.Commit()
		tx = log.BeginUpdate()
		return errors.Join(err, ctx.Err())
	}
	defer func() { tx.Discard() }()
	tx.DeleteRange(eventlog.SpaceChannels, []byte{recordOrigin}, []byte{recordOrigin + 1})
	err := log.Scan(eventlog.SpaceChannels, []byte{recordSeries}, []byte{recordSeries + 1}, func(k, _ []byte) error {
		of, _, err := parseSeries(k)
		if err != nil {
			return err
		}
		tx.Put(eventlog.SpaceChannels, of.namedKey(), nil)
		if n++; n%4096 != 0 {
			return nil
		}
		return commit()
	})
	if err != nil {
		return err
	}
	at, err := cursor(log)
	if err != nil {
		return err
	}
	at.put(tx)
	return commit()
}
