package traffic

import (
	"context"
	"errors"
	"slices"
	"sort"
	"strings"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// Row is a series as of one moment.
type Row struct {
	Series
	All     Span   // all that was counted
	open    Span   // ... in the open segment
	start   uint64 // of the open segment at that moment
	counted uint64 // entries up to here
}

// Range is a part of the series, in order of channel and origin.
type Range struct{ from, to []byte }

// WithPrefix returns the range of the channels that begin with prefix and come after one by name; "" is before all.
func WithPrefix(prefix, after string) Range {
	from := eventlog.AppendChannelPrefix([]byte{recordSeries}, prefix)
	r := Range{from, keyAfter(from)}
	behind := append(eventlog.AppendChannelPrefix([]byte{recordSeries}, after), 0, 2) // a channel's keys end with 00 01
	if after != "" && string(behind) > string(from) {
		r.from = behind
	}
	return r
}

// Exactly returns the range of one channel.
func Exactly(channel string) Range {
	from := eventlog.AppendChannel([]byte{recordSeries}, channel)
	return Range{from, keyAfter(from)}
}

// Matching returns the range of the channels that a pattern selects.
func Matching(p graph.Pattern) Range {
	if prefix, ok := strings.CutSuffix(string(p), "*"); ok {
		return WithPrefix(prefix, "")
	}
	return Exactly(string(p))
}

// Narrowest leaves out the patterns that another one covers, so that no channel is met twice.
func Narrowest(patterns []graph.Pattern) (all []graph.Pattern) {
	for i, p := range patterns {
		covered := slices.ContainsFunc(patterns[:i], func(o graph.Pattern) bool { return o.Covers(p) }) ||
			slices.ContainsFunc(patterns[i+1:], func(o graph.Pattern) bool { return o.Covers(p) && o != p })
		if !covered {
			all = append(all, p)
		}
	}
	return all
}

// keyAfter returns the smallest key above all that begin with prefix, which begins with a record byte and so is never
// all ff.
func keyAfter(prefix []byte) []byte {
	end := append([]byte{}, prefix...)
	for i := len(end) - 1; ; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
}

// unwantedForOne is how many may be passed over for each that is wanted: looking one up costs some times that.
const unwantedForOne = 8

// rowsAtOnce is how many records are read under the lock.
const rowsAtOnce = 1024

// errEnough ends a scan.
var errEnough = errors.New("traffic: enough")

// Asked says for which series somebody asks; the zero value is all.
type Asked struct {
	Wants   func(Series) bool
	Origins func() []graph.UserID // of all that are wanted, perhaps of others; called once, if at all
}

// Rows calls fn for the series in a range that are wanted, in their order, until it fails. While many are, all are
// read. Else those of the origins alone are: so asking costs what is asked for, however much others publish. What was
// applied is counted first.
func (p *Projection) Rows(ctx context.Context, in Range, a Asked, fn func(Row) error) error {
	var rows []Row
	unwanted := 0
	for from := in.from; from != nil; {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, err := p.someRows(ctx, from, in.to, &rows)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if a.Wants == nil || a.Wants(r.Series) {
				unwanted = max(unwanted-unwantedForOne, 0)
				if err := fn(r); err != nil {
					return err
				}
				continue
			}
			if unwanted++; unwanted > p.limits.Unwanted && a.Origins != nil {
				behind := append(r.key(recordSeries), 0)
				return p.rowsOf(ctx, Range{behind, in.to}, a, fn)
			}
		}
		from = next
	}
	return nil
}

// someRows reads the first series from a key on into rows, whose room it uses, and returns the key to go on with or
// nil.
func (p *Projection) someRows(ctx context.Context, from, to []byte, rows *[]Row) (next []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.follow(ctx); err != nil {
		return nil, err
	}
	*rows = (*rows)[:0]
	open := p.openIn(string(from), string(to))
	take := func(of Series, sealed Span, isOpen bool) {
		r := Row{Series: of, All: sealed, start: p.start, counted: p.counted}
		if isOpen {
			r.open, open = *p.open[of], open[1:]
			r.All.join(r.open)
		}
		*rows = append(*rows, r)
	}
	takeOpen := func(isNext func(key string) bool) error {
		for len(open) > 0 && isNext(open[0].key) {
			if len(*rows) == rowsAtOnce {
				next = []byte(open[0].key)
				return errEnough
			}
			take(open[0].Series, Span{}, true)
		}
		return nil
	}
	err = p.log.Scan(eventlog.SpaceChannels, from, to, func(k, v []byte) error {
		if err := takeOpen(func(key string) bool { return key < string(k) }); err != nil {
			return err
		}
		if len(*rows) == rowsAtOnce {
			next = slices.Clone(k)
			return errEnough
		}
		of, _, err := parseSeries(k)
		if err != nil {
			return err
		}
		s, err := parseSpan(v)
		take(of, s, len(open) > 0 && open[0].key == string(k))
		return err
	})
	if err == nil {
		err = takeOpen(func(string) bool { return true })
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return next, err
}

// openSeries is a series of the open segment.
type openSeries struct {
	key string // of its record
	Series
}

// openIn returns the series of the open segment whose keys are in [from, to), in their order.
func (p *Projection) openIn(from, to string) []openSeries {
	if len(p.order) != len(p.open) {
		p.order = p.order[:0]
		for of := range p.open {
			p.order = append(p.order, openSeries{string(of.key(recordSeries)), of})
		}
		slices.SortFunc(p.order, func(a, b openSeries) int { return strings.Compare(a.key, b.key) })
	}
	at := func(key string) int {
		return sort.Search(len(p.order), func(i int) bool { return p.order[i].key >= key })
	}
	lo := at(from)
	return p.order[lo:max(lo, at(to))]
}
