package faults

import (
	"slices"
	"strings"
	"testing"

	"hpfriends/eventlog"
)

// sound is a history without fault: two connections of one writer, ten messages each, of which eight were confirmed
// and nine are in the log, and two subscribers, one of which came back.
func sound() *History {
	h := &History{Nodes: []string{"n1", "n2", "n3"}}
	var log []Delivery
	for run := range uint32(2) {
		h.Sent = append(h.Sent, Sent{Stream: Stream{1, run}, Node: int(run), Sent: 10, Confirmed: 8})
	}
	for seq := range uint64(9) {
		for run := range uint32(2) {
			at := eventlog.Position{Index: 10 + seq, Offset: run}
			log = append(log, Delivery{at, Message{Stream{1, run}, seq}})
		}
	}
	for range h.Nodes {
		h.Replays = append(h.Replays, slices.Clone(log))
	}
	h.Sessions = []Session{
		{Reader: "a", Node: 1, Got: slices.Clone(log[4:])},
		{Reader: "b", Node: 2, Got: slices.Clone(log[2:7])},
		{Reader: "b", Node: 2, From: eventlog.Position{Index: log[6].At.Index, Offset: log[6].At.Offset + 1},
			Got: slices.Clone(log[7:])},
		{Reader: "b", Node: 2},
	}
	return h
}

func TestSoundHistoryHasNoFault(t *testing.T) {
	if faults := sound().Check(); len(faults) > 0 {
		t.Errorf("a sound history was blamed: %v", faults)
	}
}

// Each checker finds the history that it is there for, in whichever node's log it is.
func TestCheckersFindDoctoredHistories(t *testing.T) {
	everywhere := func(h *History, doctor func([]Delivery) []Delivery) {
		for i := range h.Replays {
			h.Replays[i] = doctor(h.Replays[i])
		}
		h.Sessions = nil
	}
	for _, c := range []struct {
		what, checker, says string
		doctor              func(*History)
	}{
		{"a confirmed message is on no node", "C1", "has not", func(h *History) {
			everywhere(h, func(l []Delivery) []Delivery { return slices.Delete(l, 14, 18) })
		}},
		{"a confirmed message is missing on one node",
			"C1", "n3 has not", func(h *History) { h.Replays[2] = h.Replays[2][:14] }},
		{"a confirmed message is there twice", "C1", "2 times", func(h *History) {
			everywhere(h, func(l []Delivery) []Delivery { return doubled(l, 4) })
		}},
		{"a confirmation of what no log has", "C1", "has not", func(h *History) { h.Sent[1].Confirmed = 10 }},
		{"messages are exchanged", "C2", "gap", func(h *History) {
			everywhere(h, func(l []Delivery) []Delivery { l[4].Message, l[6].Message = l[6].Message, l[4].Message; return l })
		}},
		{"a connection begins in the middle", "C2", "gap", func(h *History) {
			everywhere(h, func(l []Delivery) []Delivery { return l[1:] })
		}},
		{"an old message comes late", "C2", "out of order", func(h *History) {
			everywhere(h, func(l []Delivery) []Delivery { l[16].Message = l[0].Message; return l })
		}},
		{"a subscriber misses one", "C3", "delivery 3",
			func(h *History) { h.Sessions[0].Got = slices.Delete(h.Sessions[0].Got, 3, 4) }},
		{"a subscriber gets one twice", "C3", "delivery 4",
			func(h *History) { h.Sessions[0].Got = doubled(h.Sessions[0].Got, 3) }},
		{"a subscriber gets two in the wrong order", "C3", "delivery 3", func(h *History) {
			g := h.Sessions[0].Got
			g[3], g[4] = g[4], g[3]
		}},
		{"a subscriber that comes back misses one",
			"C3", "delivery 0", func(h *History) { h.Sessions[2].Got = h.Sessions[2].Got[1:] }},
		{"a subscriber that comes back gets one again", "C3", "delivery 0", func(h *History) {
			h.Sessions[2].Got = append(slices.Clone(h.Replays[2][6:7]), h.Sessions[2].Got...)
		}},
		{"a subscriber got what the log lost", "C3", "not in the log", func(h *History) {
			for i := range h.Replays {
				h.Replays[i] = h.Replays[i][:17]
			}
		}},
		{"a message is at another position on one node", "C4", "on n2", func(h *History) { h.Replays[1][5].At.Offset += 5 }},
		{"a node serves less", "C4", "serves 17", func(h *History) { h.Replays[2] = h.Replays[2][:17] }},
		{"positions fall", "C4", "comes after", func(h *History) {
			everywhere(h, func(l []Delivery) []Delivery { l[5].At, l[6].At = l[6].At, l[5].At; return l })
		}},
		{"an unconfirmed message is there twice", "C5", "2 times", func(h *History) {
			everywhere(h, func(l []Delivery) []Delivery { return doubled(l, 17) })
		}},
		{"a message that nobody sent", "C5", "10 were sent", func(h *History) {
			everywhere(h, func(l []Delivery) []Delivery { l[17].Seq = 11; return l })
		}},
		{"a message of a stranger", "C5", "0 were sent", func(h *History) {
			everywhere(h, func(l []Delivery) []Delivery { l[17].Message = Message{Stream{7, 0}, 0}; return l })
		}},
	} {
		h := sound()
		c.doctor(h)
		found := slices.ContainsFunc(h.Check(),
			func(f Fault) bool { return f.Checker == c.checker && strings.Contains(f.Text, c.says) })
		if !found {
			t.Errorf("%s: want %s to say %q, found %v", c.what, c.checker, c.says, h.Check())
		}
	}
}

// Of a log that has been cut, what is left has to be whole, on nodes that are there.
func TestCheckersKnowLogsThatWereCut(t *testing.T) {
	cut := func(h *History) {
		h.Cut = true
		for i := range h.Replays {
			h.Replays[i] = h.Replays[i][5:]
		}
		h.Replays[0] = nil
	}
	h := sound()
	cut(h)
	if faults := h.Check(); len(faults) > 0 {
		t.Errorf("a sound history was blamed: %v", faults)
	}
	for checker, doctor := range map[string]func(*History){
		"C1": func(h *History) { h.Replays[2] = slices.Delete(h.Replays[2], 6, 7) },
		"C2": func(h *History) { h.Replays[2] = slices.Delete(h.Replays[2], 6, 7) },
		"C3": func(h *History) { h.Sessions[0].Got = slices.Delete(h.Sessions[0].Got, 3, 4) },
		"C4": func(h *History) { h.Replays[2] = h.Replays[2][1:] },
		"C5": func(h *History) { h.Replays[2] = doubled(h.Replays[2], 12) },
	} {
		h := sound()
		cut(h)
		doctor(h)
		if found := h.Check(); !slices.ContainsFunc(found, func(f Fault) bool { return f.Checker == checker }) {
			t.Errorf("%s finds nothing in what was doctored for it: %v", checker, found)
		}
	}
}

// doubled has one delivery twice; the second at a position of its own.
func doubled(log []Delivery, i int) []Delivery {
	again := log[i]
	again.At.Offset += 2
	return slices.Insert(slices.Clone(log), i+1, again)
}

// A payload is ours only when not a bit of it has changed, and of this run.
func TestPayloadsAreRecognized(t *testing.T) {
	m := Message{Stream{3, 4}, 5}
	p := m.appendPayload(nil, 200, 42)
	if got, err := parsePayload(p, 42); err != nil || got != m || len(p) != 200 {
		t.Errorf("%v of %d bytes, %v; want %v of 200", got, len(p), err, m)
	}
	if _, err := parsePayload(p, 43); err == nil {
		t.Error("a payload of another run was taken")
	}
	for i := range p {
		p[i] ^= 4
		if _, err := parsePayload(p, 42); err == nil {
			t.Errorf("byte %d was changed, and the payload was taken", i)
		}
		p[i] ^= 4
	}
}
