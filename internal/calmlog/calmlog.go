// Package calmlog keeps a server's own log of a size that a disk can take, whatever clients do: long values are
// clipped, and of records that are alike, by level, message and who caused them, only so many are written. How many
// more there were is said by a record of its own.
//
// # Invariant
//
// Nothing is dropped without a count: each record is written, or counted in a "suppressed" record within flushEvery.
//
// # Concurrency
//
// A Handler may be used by any number of goroutines.
package calmlog

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"
)

// Limits, of records that are alike and of all that one party causes.
const (
	MaxValue   = 1024 // bytes of a value or a message
	alikeBurst = 20
	alikeEvery = time.Second
	partyBurst = 100
	partyEvery = 200 * time.Millisecond
	maxKinds   = 10_000
	flushEvery = 10 * time.Second
)

// partyKeys are the attributes that say who caused a record.
var partyKeys = map[string]bool{"remote": true, "from": true, "addr": true, "user": true, "ident": true}

// Handler passes records on to another one.
type Handler struct {
	next   slog.Handler
	party  string // of WithAttrs
	groups bool   // attributes are of a group now: they do not say who
	state  *state
}

// New returns a Handler that passes on to next.
func New(next slog.Handler) *Handler {
	return &Handler{next: next, state: &state{kinds: make(map[kind]*limit), parties: make(map[string]*rate.Limiter)}}
}

// kind is what records are alike by.
type kind struct {
	level          slog.Level
	message, party string
}

type limit struct {
	rate       *rate.Limiter
	suppressed uint64
	next       slog.Handler // of the last that was suppressed
}

type state struct {
	mu      sync.Mutex
	kinds   map[kind]*limit
	parties map[string]*rate.Limiter
	pending bool // a flush will come
}

// Enabled implements slog.Handler.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	clipped := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		if with.party == "" && !h.groups && partyKeys[a.Key] {
			with.party = partyOf(a.Value)
		}
		clipped[i] = clip(a)
	}
	with.next = h.next.WithAttrs(clipped)
	return &with
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	with := *h
	with.groups = true
	with.next = h.next.WithGroup(name)
	return &with
}

// Handle implements slog.Handler.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	party := h.party
	out := slog.NewRecord(r.Time, r.Level, clipText(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if party == "" && !h.groups && partyKeys[a.Key] {
			party = partyOf(a.Value)
		}
		out.AddAttrs(clip(a))
		return true
	})
	if !h.state.admit(kind{r.Level, out.Message, party}, h.next, time.Now()) {
		return nil
	}
	return h.next.Handle(ctx, out)
}

// admit reports whether a record is written. It counts one that is not.
func (s *state) admit(k kind, next slog.Handler, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.kinds[k]
	if l == nil {
		if len(s.kinds) >= maxKinds {
			s.forget(now)
		}
		if len(s.kinds) >= maxKinds { // a spray: those that are new share one limit
			k = kind{level: k.level, message: "records of many kinds"}
			l = s.kinds[k]
		}
		if l == nil {
			l = &limit{rate: rate.NewLimiter(rate.Every(alikeEvery), alikeBurst)}
			s.kinds[k] = l
		}
	}
	if s.partyAllows(k.party, now) && l.rate.AllowN(now, 1) {
		return true
	}
	l.suppressed++
	l.next = next
	if !s.pending {
		s.pending = true
		time.AfterFunc(flushEvery, s.flush)
	}
	return false
}

func (s *state) partyAllows(party string, now time.Time) bool {
	if party == "" {
		return true
	}
	p := s.parties[party]
	if p == nil {
		if len(s.parties) >= maxKinds {
			return true // each of its kinds has a limit
		}
		p = rate.NewLimiter(rate.Every(partyEvery), partyBurst)
		s.parties[party] = p
	}
	return p.AllowN(now, 1)
}

// forget drops what limits nothing any more.
func (s *state) forget(now time.Time) {
	for k, l := range s.kinds {
		if l.suppressed == 0 && l.rate.TokensAt(now) >= alikeBurst {
			delete(s.kinds, k)
		}
	}
	for party, p := range s.parties {
		if p.TokensAt(now) >= partyBurst {
			delete(s.parties, party)
		}
	}
}

// flush says what was suppressed.
func (s *state) flush() {
	type told struct {
		kind
		limit
	}
	var all []told
	s.mu.Lock()
	s.pending = false
	for k, l := range s.kinds {
		if l.suppressed > 0 {
			all = append(all, told{k, *l})
			l.suppressed, l.next = 0, nil
		}
	}
	s.mu.Unlock()
	const most = 100 // of them by name
	var rest uint64
	for i, t := range all {
		if i >= most {
			rest += t.suppressed
			continue
		}
		tell(t.limit.next, t.level, fmt.Sprintf("suppressed %d records like: %s", t.suppressed, t.message), t.party)
	}
	if rest > 0 {
		text := fmt.Sprintf("suppressed %d records of %d other kinds", rest, len(all)-most)
		tell(all[most].limit.next, slog.LevelWarn, text, "")
	}
}

func tell(h slog.Handler, level slog.Level, message, party string) {
	r := slog.NewRecord(time.Now(), level, message, 0)
	if party != "" {
		r.AddAttrs(slog.String("of", party))
	}
	_ = h.Handle(context.Background(), r) // there is nobody else to tell
}

// partyOf is who an attribute names: of an address its host, since ports differ.
func partyOf(v slog.Value) string {
	text := clipText(v.Resolve().String())
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().String()
	}
	return text
}

// clip cuts the text of an attribute.
func clip(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(clipText(v.String()))
	case slog.KindAny:
		switch held := v.Any().(type) {
		case error, fmt.Stringer:
			a.Value = slog.StringValue(clipText(fmt.Sprint(held)))
		case []byte:
			a.Value = slog.StringValue(clipText(string(held)))
		}
	case slog.KindGroup:
		inner := v.Group()
		cut := make([]slog.Attr, len(inner))
		for i := range inner {
			cut[i] = clip(inner[i])
		}
		a.Value = slog.GroupValue(cut...)
	default: // numbers and times
	}
	return a
}

func clipText(s string) string {
	if len(s) <= MaxValue {
		return s
	}
	end := MaxValue
	for end > MaxValue-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:end], len(s))
}
