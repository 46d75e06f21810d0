package router

import (
	"context"
	"errors"
	"slices"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/history"
)

const (
	firstEntries = 4  // entry numbers asked for at first, so that the first message comes soon
	chunkEntries = 64 // and later on
	maxPause     = 150 * time.Millisecond
)

// reader reads the log for one subscriber, from where its outbox was full or a subscription begins, to the tail.
type reader struct {
	s     *Subscriber
	at    eventlog.Position // next to read
	then  visibility        // by the graph in force at at
	now   visibility        // by the newest graph
	chunk int
	out   sendBuffer
	kept
	finder
	planned

	covering map[string][]*window // memo by channel
	parts    []part               // scratch
	wanted   []part               // scratch: parts of histories, which count what is delivered
}

// planned is what is to be read, as of the last plan.
type planned struct {
	made    bool     // there was one
	changes uint64   // of the subscriptions
	windows []window // the subscriptions that cover at
	limit   uint64   // entries before it are covered by the same ones
}

// kept is the entry of which a part has been read.
type kept struct {
	batch *entry.Batch // nil: none
	of    uint64
}

// finder finds the entries to read.
type finder struct {
	cursor   *history.Cursor // of what the windows select and the user may see now
	patterns []graph.Pattern // of the windows
	vain     bool            // the entry at hand holds nothing
}

// part is messages of one run, [first, end), and the subscription that decides how they look.
type part struct {
	*subscription
	first, end uint32
}

// catchUp reads the log until it meets the tail, and makes the subscriber live again there.
func (s *Subscriber) catchUp() error {
	r := s.newReader()
	for {
		if !r.refresh() {
			return nil
		}
		begin := time.Now()
		if err := r.readChunk(); err != nil {
			return err
		}
		r.throttle(time.Since(begin))
	}
}

// throttle pauses a reader of history while the node is busy with what is published: history then takes a fifth of the
// time. A reader that has only fallen behind must be able to catch up, and is not paused.
func (r *reader) throttle(took time.Duration) {
	busy := r.s.router.config.Busy
	replaying := slices.ContainsFunc(r.windows, func(w window) bool { return !w.replayed })
	if replaying && busy != nil && busy() {
		time.Sleep(min(4*took, maxPause))
	}
}

func (s *Subscriber) newReader() *reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	then := s.from.At(s.lagAt.Index)
	return &reader{
		s: s, at: s.lagAt, then: newVisibility(s.user, then), now: newVisibility(s.user, then.Newest()), chunk: firstEntries,
		covering: make(map[string][]*window),
		finder:   finder{cursor: history.NewCursor(s.router.log, eventlog.Selector{}, false)},
	}
}

// selector is what the windows select of what the user may see now.
func (r *reader) selector() eventlog.Selector { return history.Select(r.patterns, r.now) }

// refresh takes into account what has changed, tells which histories are done, and reports whether there is more to
// read. If there is not, the reader has met the tail and the subscriber is live.
func (r *reader) refresh() (more bool) {
	for {
		told, more := r.refreshOnce()
		if len(told) == 0 {
			if more {
				r.choose()
			}
			return more
		}
		for _, t := range told {
			r.s.peer.Events.Replayed(t.name, t.Replayed)
		}
	}
}

// completion is one call of Events.Replayed.
type completion struct {
	name string
	Replayed
}

// refreshOnce holds the lock of the router. While the windows are what they were, which is nearly always, it does not
// look at each of a thousand subscriptions.
func (r *reader) refreshOnce() (told []completion, more bool) {
	s := r.s
	s.router.mu.Lock()
	defer s.router.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	known := r.made && r.changes == s.changes.Load() && r.at.Offset == 0 && r.at.Index < r.limit
	if !known {
		r.rewind()
		if told = r.finished(); len(told) > 0 {
			return told, true
		}
	}
	s.lagAt, s.from = r.at, r.then.version.At(r.at.Index)
	if r.at.Offset == 0 && r.at.Index >= s.router.next || len(s.subscribed) == 0 { // between two entries only
		// The tail must not offer again what this reader has seen.
		s.lagging, s.liveFrom, s.from = false, r.at.Index, nil
		s.router.lagging.Add(-1)
		return nil, false
	}
	if !known {
		r.plan()
	}
	return nil, true
}

// rewind goes back to where new subscriptions begin. What the others cover from there to here they have had.
func (r *reader) rewind() {
	front := r.at
	for _, u := range r.s.subscribed {
		if u.fresh && u.from.Compare(r.at) < 0 {
			r.at = u.from
		}
	}
	for _, u := range r.s.subscribed {
		if !u.fresh && u.from.Compare(front) < 0 {
			u.from = front
		}
		u.fresh = false
	}
	if r.at != front {
		r.chunk = firstEntries
	}
}

// finished returns the subscriptions whose history is read, or that are over. The latter are removed.
func (r *reader) finished() (told []completion) {
	for name, u := range r.s.subscribed {
		switch {
		case u.until != eventlog.Position{} && u.until.Compare(r.at) <= 0:
			told = append(told, completion{name, Replayed{Next: u.end(), Messages: u.messages, Ended: true}})
			r.s.drop(name)
		case !u.replayed && r.at.Index > u.history:
			next := r.at
			if u.ahead && u.from.Compare(next) > 0 {
				next = u.from
			}
			told = append(told, completion{name, Replayed{Next: next, Messages: u.messages}})
			u.replayed = true
		}
	}
	slices.SortFunc(told, func(a, b completion) int { return a.Next.Compare(b.Next) })
	return told
}

// plan sets windows, and limit to where another subscription begins or the history of one ends.
func (r *reader) plan() {
	r.made, r.changes = true, r.s.changes.Load()
	r.windows, r.limit = r.windows[:0], ^uint64(0)
	clear(r.covering)
	for _, u := range r.s.subscribed {
		if u.from.Index > r.at.Index {
			r.limit = min(r.limit, u.from.Index)
			continue
		}
		r.windows = append(r.windows, window{u, u.from, u.until})
		if !u.replayed {
			r.limit = min(r.limit, u.history+1)
		}
		if u.until != (eventlog.Position{}) {
			r.limit = min(r.limit, u.until.Index+uint64(min(u.until.Offset, 1)))
		}
	}
}

// choose makes the cursor select what the windows do. Of many subscriptions that takes a while: nobody waits for it.
func (r *reader) choose() {
	patterns := make([]graph.Pattern, len(r.windows))
	for i := range r.windows {
		patterns[i] = r.windows[i].pattern
	}
	slices.Sort(patterns)
	if patterns = slices.Compact(patterns); !slices.Equal(patterns, r.patterns) {
		r.patterns = patterns
		r.cursor.Select(r.selector())
	}
}

// find returns the next entries that may hold something, and up to where there are no others.
func (r *reader) find() (entries []uint64, next uint64, err error) {
	for {
		entries, next, err = r.cursor.Next(r.at.Index, r.chunk)
		// What the cursor leaves out is nobody's by a graph that is as new as what it has looked at.
		if !r.now.advance(r.now.version.Newest()) {
			return entries, next, err
		}
		r.cursor.Select(r.selector())
	}
}

// readChunk reads some entries in a turn, at most up to the limit, and sends what they hold.
func (r *reader) readChunk() error {
	turns := r.s.router.turns
	if turns.Crowded() { // who waits holds nothing
		r.batch, r.out = nil, sendBuffer{}
	}
	if err := turns.Take(context.Background(), r.s.user); err != nil {
		return err
	}
	r.out.begin(r.s.router.memory.portion())
	floor, err := r.fill()
	turns.Give(r.s.user)
	if err != nil {
		r.s.peer.Events.Failed(r.at, err)
		return err
	}
	if err := r.flush(); err != nil || floor == 0 {
		return err
	}
	r.missed(floor)
	return nil
}

// fill reads entries into the send buffer until that is full, the turn is over, there are no more, or something has
// changed. It returns
// the floor where that was above the next entry. It writes nothing: the turn is not the peer's.
func (r *reader) fill() (floor uint64, err error) {
	log, began := r.s.router.log, time.Now()
	entries, next, err := r.find()
	if err != nil {
		return 0, err
	}
	if floor := log.Floor(); floor > r.at.Index {
		return floor, nil
	}
	for _, index := range entries {
		if index >= r.limit {
			break
		}
		err := r.entry(index)
		if errors.Is(err, eventlog.ErrBelowFloor) {
			return log.Floor(), nil
		}
		if err != nil || r.out.full() || r.changes != r.s.changes.Load() || r.s.router.turns.Over(began) {
			return 0, err
		}
	}
	if next = min(next, r.limit); next > r.at.Index {
		r.at = eventlog.Position{Index: next}
	}
	r.chunk = min(2*r.chunk, chunkEntries)
	return 0, nil
}

// missed goes on at the floor, and tells the subscriber what it has missed.
func (r *reader) missed(floor uint64) {
	from, to := r.at, eventlog.Position{Index: floor}
	r.at = to
	for i := range r.windows {
		if first, _, ok := r.windows[i].part(from, to); ok {
			r.s.peer.Events.Missed(r.windows[i].name, first, to)
		}
	}
}

// flush sends the buffer; everything before r.at has been sent then.
func (r *reader) flush() error {
	if r.out.count > 0 {
		r.out.next = r.at
		if err := r.s.send(r.out.sending); err != nil {
			return err
		}
	}
	if r.out.told != nil {
		r.out.told()
	}
	return nil
}
