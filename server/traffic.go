package server

import (
	"context"
	"sync/atomic"
	"time"

	"hpfriends/query/view"
	"hpfriends/raftfsm/survey"
)

// traffic measures how much goes through the node.
type traffic struct {
	samples []sample // the oldest first; of measure alone
	now     atomic.Pointer[view.Traffic]
}

// sample is what had gone through at a moment.
type sample struct {
	at                                         time.Time
	messagesIn, messagesOut, bytesIn, bytesOut uint64
}

// measured is how many seconds the rates are of.
const measured = 10

// add takes what has gone through by now, a second after the last time.
func (t *traffic) add(s sample) view.Traffic {
	t.samples = append(t.samples, s)
	if len(t.samples) > measured+1 {
		t.samples = t.samples[1:]
	}
	first := t.samples[0]
	seconds := s.at.Sub(first.at).Seconds()
	if seconds <= 0 {
		return view.Traffic{}
	}
	rate := func(before, after uint64) float64 { return float64(after-before) / seconds }
	now := view.Traffic{
		MessagesIn: rate(first.messagesIn, s.messagesIn), MessagesOut: rate(first.messagesOut, s.messagesOut),
		BytesIn: rate(first.bytesIn, s.bytesIn), BytesOut: rate(first.bytesOut, s.bytesOut),
	}
	t.now.Store(&now)
	return now
}

// Now is how much went through of late.
func (t *traffic) Now() view.Traffic {
	if now := t.now.Load(); now != nil {
		return *now
	}
	return view.Traffic{}
}

// measureTraffic looks each second, until ctx is done.
func (s *Server) measureTraffic(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		in, out := s.wire.Bytes()
		now := s.traffic.add(sample{time.Now(), s.broker.Published(), s.router.Delivered(), in, out})
		s.node.Members().Board().SetTraffic(survey.Traffic(now))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
