package history

import (
	"slices"
	"sort"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// Cursor finds the entries with selected messages for one reader, going forward or back from wherever it is asked. It
// looks ahead, so that a reader of many series does not seek in each of them for every few entries.
//
// What is selected is found by the index of series, or by looking through the log: the one costs a seek a series, the
// other the reading of entries that hold nothing. Nobody knows beforehand which is less. So a cursor tries the index
// with as many seeks as are nothing to speak of; else it goes through the log, and tries again with as many seeks as
// what was read in vain has cost. Either way it costs a small multiple of the better one.
type Cursor struct {
	log    *eventlog.Log
	sel    eventlog.Selector
	newest bool
	parts  *eventlog.Excerpt

	found       []uint64 // in the order of reading
	begin, upto uint64   // between them, from begin on and before upto in that order, there are no others
	series      int      // what the index cost last time
	through     bool     // go through the log: the seeks were spent
	seeks       int      // to try the index with
	vain        int      // what was read in vain since then, in seeks
	price       int      // of an entry that is read, in seeks: the mean of the last few, at least 1
}

const (
	firstSeeks = 2048     // some milliseconds: so much may be spent before it is known what an entry costs
	mostSeeks  = 32 << 10 // more would take others their turn
	near       = 64       // so close to the end, entries are not looked for; and so many are gone through at a time
	ahead      = 16       // entries to look for at a time, for each series
	mostAhead  = 16 << 10 // entries; a cursor remembers them
	runsASeek  = 32       // runs of an entry that are decoded in the time of a seek
)

// NewCursor returns a cursor of a selection. With newest it goes back in the log.
func NewCursor(log *eventlog.Log, sel eventlog.Selector, newest bool) *Cursor {
	return &Cursor{log: log, sel: sel, newest: newest, parts: eventlog.NewExcerpt(log, sel), seeks: firstSeeks, price: 1}
}

// Select makes the cursor select something else. What it has learnt of the log it keeps.
func (c *Cursor) Select(sel eventlog.Selector) {
	c.sel, c.found, c.begin, c.upto, c.parts = sel, nil, 0, 0, eventlog.NewExcerpt(c.log, sel)
}

// Batch is Log.Batch, of which what is not selected may be left out.
func (c *Cursor) Batch(index uint64) (*entry.Batch, error) { return c.parts.Batch(index) }

// Read is Batch, for who looks at the header first.
func (c *Cursor) Read(index uint64) (eventlog.Content, error) {
	content, err := c.parts.Read(index)
	if err == nil {
		c.price = (3*c.price + priceOf(len(content.Header.Runs))) / 4
	}
	return content, err
}

// Vain tells that an entry which the cursor has found, of so many runs, holds nothing for its reader.
func (c *Cursor) Vain(runs int) { c.vain += priceOf(runs) }

// priceOf is what the reading of an entry with so many runs costs, in seeks.
func priceOf(runs int) int { return 2 + runs/runsASeek }

// Next returns up to limit entries from the index from on, in ascending order, and the index up to which there are no
// others, however few these are; that is Applied+1 at the end. The entries are the reader's until the next call.
func (c *Cursor) Next(from uint64, limit int) (entries []uint64, next uint64, err error) {
	if from < c.begin || from >= c.upto {
		if err := c.look(from, c.log.Applied()+1, limit); err != nil {
			return nil, from, err
		}
		c.begin = from
	}
	entries = c.found[sort.Search(len(c.found), func(i int) bool { return c.found[i] >= from }):]
	if len(entries) <= limit {
		return entries, max(c.upto, from), nil
	}
	return entries[:limit], entries[limit-1] + 1, nil
}

// Before returns up to limit entries below the index end, in descending order and not below low, and the index down to
// which there are no others; that is low at the end.
func (c *Cursor) Before(end, low uint64, limit int) (entries []uint64, next uint64, err error) {
	if end > c.begin || end <= c.upto {
		if err := c.look(low, end, limit); err != nil {
			return nil, end, err
		}
		c.begin = end
	}
	entries = c.found[sort.Search(len(c.found), func(i int) bool { return c.found[i] < end }):]
	if len(entries) <= limit {
		return entries, min(c.upto, end), nil
	}
	return entries[:limit], entries[limit-1], nil
}

// look finds entries in [from, end), and sets upto.
func (c *Cursor) look(from, end uint64, limit int) error {
	q := eventlog.Lookup{Selector: c.sel, From: from, End: end, Limit: limit, Newest: c.newest}
	if from = max(from, c.log.Floor()); from < end && c.indexed(end-from) {
		q.Limit = max(limit, min(ahead*c.series, mostAhead))
		q.Seeks = min(c.seeks, max(c.costs(end-from), firstSeeks))
		found, err := c.log.Lookup(q)
		if err != nil {
			return err
		}
		if !found.Spent {
			c.series, c.through = found.Seeks, false
			c.seeks = max(c.seeks, min(2*found.Seeks, mostSeeks))
			c.take(found.Indexes, q)
			return nil
		}
		if q.Seeks == c.seeks {
			c.through, c.vain, c.seeks = true, 0, min(2*c.seeks, mostSeeks)
		} else {
			c.series = max(c.series, q.Seeks) // at least
		}
	}
	q.Selector, q.Seeks, q.Limit = eventlog.Selector{Prefixes: []string{""}}, 0, min(limit, near)
	found, err := c.log.Lookup(q)
	c.take(found.Indexes, q)
	return err
}

// indexed reports whether the index is to be asked, with so many entries to look through.
func (c *Cursor) indexed(entries uint64) bool {
	switch {
	case c.sel.Everything() || entries <= near || c.costs(entries) <= c.series:
		return false
	case c.through:
		return c.vain >= c.seeks
	}
	return true
}

// costs is what going through so many entries would cost, in seeks.
func (c *Cursor) costs(entries uint64) int { return int(min(entries, mostSeeks)) * c.price }

// take remembers what was found.
func (c *Cursor) take(found []uint64, q eventlog.Lookup) {
	c.found = found
	switch full := len(found) == q.Limit; {
	case full && c.newest:
		c.upto = found[len(found)-1]
	case full:
		c.upto = found[len(found)-1] + 1
	case c.newest:
		c.upto = q.From
	default:
		c.upto = max(q.End, q.From)
	}
}

// Select is the selector of what somebody asks for and may see.
func Select[P ~string](patterns []P, of eventlog.Origins) eventlog.Selector {
	sel := eventlog.Select(patterns...)
	sel.Origins = of
	slices.Sort(sel.Exact)
	sel.Exact = slices.Compact(sel.Exact)
	return sel
}
