package faults

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// History is what the clients did and what they were told, and what each node served from its log in the end.
type History struct {
	Nodes    []string // ids, by place
	Sent     []Sent
	Sessions []Session
	Replays  [][]Delivery // by node; nil: it is not there any more
	Cut      bool         // the log has been cut: a stream may begin later in it
}

// Fault is something that must not be, by the checker that found it.
type Fault struct{ Checker, Text string }

func (f Fault) String() string { return f.Checker + ": " + f.Text }

// maxFaults of one checker are told: the first ones say it.
const maxFaults = 10

// verdict collects the faults of a checker.
type verdict struct {
	checker string
	faults  []Fault
}

func (v *verdict) blame(format string, args ...any) {
	if len(v.faults) < maxFaults {
		v.faults = append(v.faults, Fault{v.checker, fmt.Sprintf(format, args...)})
	}
}

// Check runs C1 to C5.
func (h *History) Check() (all []Fault) {
	for _, check := range []func() []Fault{h.confirmed, h.order, h.deliveries, h.equal, h.atMostOnce} {
		all = append(all, check()...)
	}
	return all
}

// streams are what was sent, by stream.
func (h *History) streams() map[Stream]Sent {
	all := make(map[Stream]Sent, len(h.Sent))
	for _, s := range h.Sent {
		all[s.Stream] = s
	}
	return all
}

// counts are how often each message of each stream is in a replay.
func counts(replay []Delivery) map[Stream][]uint8 {
	all := make(map[Stream][]uint8)
	for _, d := range replay {
		times := all[d.Stream]
		if need := int(d.Seq) + 1 - len(times); need > 0 && need < 1<<30 {
			times = append(times, make([]uint8, need)...)
		}
		if times[d.Seq] < 255 {
			times[d.Seq]++
		}
		all[d.Stream] = times
	}
	return all
}

// kept is the first message of a stream that a log has, when the log has been cut; of a stream that it does not have,
// one that nobody sent.
func (h *History) kept(times []uint8) (first uint64) {
	if !h.Cut {
		return 0
	}
	for first < uint64(len(times)) && times[first] == 0 {
		first++
	}
	if first == uint64(len(times)) {
		return math.MaxUint64
	}
	return first
}

// confirmed is C1: what was confirmed is in every node's log, exactly once.
func (h *History) confirmed() []Fault {
	v := verdict{checker: "C1"}
	for node, replay := range h.Replays {
		if replay == nil {
			continue
		}
		found := counts(replay)
		for _, s := range h.Sent {
			times := found[s.Stream]
			for seq := h.kept(times); seq < s.Confirmed; seq++ {
				if int(seq) >= len(times) || times[seq] == 0 {
					v.blame("%s has not: %s, of %d confirmed", h.Nodes[node], Message{s.Stream, seq}, s.Confirmed)
				} else if times[seq] > 1 {
					v.blame("%s has %d times: %s, which was confirmed", h.Nodes[node], times[seq], Message{s.Stream, seq})
				}
			}
		}
	}
	return v.faults
}

// order is C2: what is in the log of a stream is in the order in which it was sent. There is no gap, also not above
// what was confirmed: batches enter the log in order or not at all.
func (h *History) order() []Fault {
	v := verdict{checker: "C2"}
	for node, replay := range h.Replays {
		next := make(map[Stream]uint64)
		for _, d := range replay {
			if _, begun := next[d.Stream]; h.Cut && !begun {
				next[d.Stream] = d.Seq
			}
			switch want := next[d.Stream]; {
			case d.Seq > want:
				v.blame("%s: at %s comes %s, want message %d: a gap", h.Nodes[node], d.At, d.Message, want)
			case d.Seq+1 < want:
				v.blame("%s: at %s comes %s after message %d: out of order", h.Nodes[node], d.At, d.Message, want-1)
			}
			next[d.Stream] = max(next[d.Stream], d.Seq+1)
		}
	}
	return v.faults
}

// deliveries is C3: what a session got is a piece of the log of its node, without gap, repeat or change of order; it
// begins where the session asked to.
func (h *History) deliveries() []Fault {
	v := verdict{checker: "C3"}
	for i := range h.Sessions {
		s := &h.Sessions[i]
		if len(s.Got) == 0 {
			continue
		}
		replay, begin := h.Replays[s.Node], s.From
		if begin.Index == 0 {
			begin = s.Got[0].At
		}
		if h.Cut && len(replay) > 0 {
			s.Got = s.Got[sort.Search(len(s.Got), func(i int) bool { return s.Got[i].At.Compare(replay[0].At) >= 0 }):]
			if len(s.Got) == 0 {
				continue
			}
			begin = s.Got[0].At
		}
		at := sort.Search(len(replay), func(i int) bool { return replay[i].At.Compare(begin) >= 0 })
		for n, got := range s.Got {
			if at+n >= len(replay) {
				v.blame("%s, from %s: got %s at %s, which is not in the log", s.Reader, s.From, got.Message, got.At)
				break
			}
			if want := replay[at+n]; got != want {
				v.blame("%s, from %s: delivery %d is %s at %s, in the log it is %s at %s", s.Reader, s.From, n, got.Message, got.At,
					want.Message, want.At)
				break
			}
		}
	}
	return v.faults
}

// equal is C4: every node serves the same messages at the same positions, which rise.
func (h *History) equal() []Fault {
	v := verdict{checker: "C4"}
	var first []Delivery
	for _, replay := range slices.Backward(h.Replays) {
		if replay != nil {
			first = replay
		}
	}
	for node, replay := range h.Replays {
		if replay == nil {
			continue
		}
		if len(replay) != len(first) {
			v.blame("%s serves %d messages, the first node %d", h.Nodes[node], len(replay), len(first))
		}
		for i, d := range replay[:min(len(replay), len(first))] {
			if d != first[i] {
				v.blame("message %d is %s at %s on %s, and %s at %s on the first node",
					i, d.Message, d.At, h.Nodes[node], first[i].Message, first[i].At)
				break
			}
			if i > 0 && replay[i-1].At.Compare(d.At) >= 0 {
				v.blame("%s: %s comes after %s", h.Nodes[node], d.At, replay[i-1].At)
				break
			}
		}
	}
	return v.faults
}

// atMostOnce is C5: what was not confirmed is in the log at most once, and nothing is there that nobody sent.
func (h *History) atMostOnce() []Fault {
	v := verdict{checker: "C5"}
	sent := h.streams()
	for node, replay := range h.Replays {
		for stream, times := range counts(replay) {
			s := sent[stream]
			if uint64(len(times)) > s.Sent {
				v.blame("%s has %s; %d were sent", h.Nodes[node], Message{stream, uint64(len(times)) - 1}, s.Sent)
			}
			for seq := s.Confirmed; seq < uint64(len(times)); seq++ {
				if times[seq] > 1 {
					v.blame("%s has %d times: %s, which was not confirmed", h.Nodes[node], times[seq], Message{stream, seq})
				}
			}
		}
	}
	return v.faults
}
