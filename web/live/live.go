// Package live streams to pages what happens, as server-sent events (WHATWG HTML, section 9.2).
//
// The id of an event is the position in the log behind what it holds. A browser that was cut off sends the id of the
// last event that it got (Last-Event-ID), to whichever node it reaches, and the stream goes on there: nothing is
// missing and nothing comes twice, since positions are the same on every node.
//
// A stream is a reader of the log at its own pace. One whose browser is slow falls behind and is told how far; it
// holds nothing in memory and slows down nobody.
//
// # Invariant
//
// Who reads is asked anew before each event: a session that has ended, or a right that was taken away, ends or narrows
// the stream within a second.
//
// # Concurrency
//
// A Streams may serve any number of streams at once. Close ends them and waits for none: they end with their requests.
package live

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/crowd"
	"hpfriends/query"
	"hpfriends/web/pages/attack"
	"hpfriends/web/ration"
	"hpfriends/web/who"
)

// Config of Streams.
type Config struct {
	Query  *query.Query
	Places attack.Places // where addresses are; nil: unknown
	Kiosk  *who.Kiosk    // nil: strangers see nothing
	// Address is where a request comes from, behind proxies too.
	Address func(*http.Request) (netip.Addr, bool)
	Turns   *ration.Rations
}

// Limits of streams. A browser shows one page at a time; a user with many tabs has room in theirs.
const (
	maxStreams        = 4096
	maxStreamsPerUser = 64
	// Strangers at the kiosk take no seat of anybody else.
	maxKiosks           = 1024
	maxKiosksPerAddress = 4
	// interval is the time between two events of a busy stream: as often as a page is painted.
	interval = 100 * time.Millisecond
	// alive is the time between two signs of life of a quiet one; also how long a write may take.
	alive = 15 * time.Second
	// recheck is how long a stream waits for news before it asks again who reads.
	recheck = time.Second
)

// Streams serves streams.
type Streams struct {
	Config
	ctx   context.Context
	close context.CancelFunc

	mu      sync.Mutex
	total   map[bool]int // by whether they are strangers
	parties map[party]int
}

// party is who shares a number of streams: a user, or the strangers of one address.
type party struct {
	user     graph.UserID
	stranger bool
	address  netip.Prefix
}

// New returns Streams.
func New(c Config) *Streams {
	ctx, cancel := context.WithCancel(context.Background())
	return &Streams{Config: c, ctx: ctx, close: cancel, total: make(map[bool]int), parties: make(map[party]int)}
}

// door is by which handler a request came.
type door struct {
	ask       who.Authenticate // again before each event
	refuse    func(http.ResponseWriter, *http.Request, error)
	strangers bool // come by it
}

// Register adds the streams to mux. ask finds out who sends a request, refuse answers who may have no stream.
func (s *Streams) Register(
	mux who.Mux, ask who.Authenticate, refuse func(http.ResponseWriter, *http.Request, error),
) {
	d := door{ask: ask, refuse: refuse}
	mux.HandleFunc("GET /live/messages", func(w http.ResponseWriter, r *http.Request) { s.serveMessages(w, r, d) })
	mux.HandleFunc("GET /live/attacks", func(w http.ResponseWriter, r *http.Request) { s.serveAttacks(w, r, d) })
	if s.Kiosk != nil {
		mux.HandleFunc("GET /kiosk/attacks", s.serveKiosk(refuse))
	}
	mux.HandleFunc("GET /live/logs", func(w http.ResponseWriter, r *http.Request) { s.serveLogs(w, r, d) })
}

// Close ends all streams.
func (s *Streams) Close() { s.close() }

// party is whose streams a request's is counted with.
func (s *Streams) party(r *http.Request, d door, user graph.UserID) party {
	if !d.strangers {
		return party{user: user}
	}
	from, _ := s.Address(r)
	return party{stranger: true, address: crowd.Address(from)}
}

// enter counts a stream, and reports whether there is room for it.
func (s *Streams) enter(p party) bool {
	most, mostEach := maxStreams, maxStreamsPerUser
	if p.stranger {
		most, mostEach = maxKiosks, maxKiosksPerAddress
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total[p.stranger] >= most || s.parties[p] >= mostEach {
		return false
	}
	s.total[p.stranger]++
	s.parties[p]++
	return true
}

func (s *Streams) leave(p party) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total[p.stranger]--
	if s.parties[p]--; s.parties[p] == 0 {
		delete(s.parties, p)
	}
}

var errFull = api.NewProblem(http.StatusTooManyRequests, api.Unavailable,
	"There are too many open streams.", "Close some of your pages.")

// source is what a stream sends.
type source struct {
	// next sends what there is behind a position and returns the position behind that; with nothing new it returns the
	// one that it was given.
	next func(*stream, query.Position) query.Position
	// rest waits for something new, a while at most.
	rest func(*stream, query.Position)
}

// serve answers a request with a stream.
func (s *Streams) serve(w http.ResponseWriter, r *http.Request, d door, begin query.Position, from source) {
	actor, err := d.ask(r)
	seat := s.party(r, d, actor.User)
	if err == nil && !s.enter(seat) {
		err = errFull
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	defer s.leave(seat)
	ration.Stand(r.Context())
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()

	st := &stream{w: w, rc: http.NewResponseController(w), ctx: ctx, Actor: actor}
	st.open()
	for at := begin; st.err == nil; {
		before := at
		_, end, err := s.Turns.Events.Take(who.With(st.ctx, st.Actor)) // an event is in memory until it is taken
		if err != nil {
			return
		}
		at = from.next(st, at)
		end()
		if at == before {
			from.rest(st, at)
		} else {
			st.pause(interval)
		}
		if time.Since(st.wrote) >= alive {
			st.sign(at)
		}
		if actor, err := d.ask(r); err != nil || actor.User != st.User {
			st.event("bye", query.Position{}, []byte(`"You are not logged in any more."`))
			return
		}
	}
}

// rest waits for something new behind a position, a while at most.
func (s *Streams) rest(st *stream, at query.Position) {
	ctx, cancel := context.WithTimeout(st.ctx, recheck)
	defer cancel()
	news := s.Query.Messages(st.Actor, query.MessageFilter{From: at})
	if err := news.Await(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		st.err = err
		return
	}
}
