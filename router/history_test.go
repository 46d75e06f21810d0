package router

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// formedFrame is the frame as a subscription gets it, made anew. The worlds' clock is one behind the log.
func formedFrame(m sent, name string, form Form) []byte {
	channel := m.channel
	switch form {
	case Form{}:
		return m.frame
	case Form{Echo: true}:
		channel = name
	case Form{Positions: true}:
		channel += fmt.Sprintf("@%d.%d", m.index, m.offset)
	case Form{Times: true}:
		channel += fmt.Sprintf("@@%d", m.index-1)
	default:
		channel += fmt.Sprintf("@%d.%d@%d", m.index, m.offset, m.index-1)
	}
	rest := m.frame[5+1+1+1+len(m.channel):]
	f := binary.BigEndian.AppendUint32(nil, uint32(5+1+1+1+len(channel)+len(rest)))
	f = append(f, 3, 1, 'k', byte(len(channel)))
	return append(append(f, channel...), rest...)
}

// request is a subscription of the model.
type request struct {
	name    string
	pattern graph.Pattern
	History
	ended bool
}

func (m sent) position() eventlog.Position {
	return eventlog.Position{Index: m.index, Offset: m.offset}
}

// model says what one subscriber gets, by the words of the product: past messages to who may replay them now, later
// ones to who is in the reach at their time; each once for all subscriptions that cover it, as the first asks for.
type model struct {
	user     graph.UserID
	requests []*request
	want     [][]byte
}

func (m *model) subscribe(w *request, all []sent, now *graph.Graph) {
	m.requests = append(m.requests, w)
	for _, msg := range all {
		if w.From == (eventlog.Position{}) || msg.position().Compare(w.From) < 0 || !w.before(msg) ||
			!w.pattern.Match(msg.channel) {
			continue
		}
		from, ok := now.Reach(msg.origin, msg.channel).VisibleFrom(m.user)
		if ok && from <= msg.index {
			m.want = append(m.want, formedFrame(msg, w.name, w.Form))
		}
	}
	w.ended = w.End
}

func (w *request) before(msg sent) bool {
	return w.Until == (eventlog.Position{}) || msg.position().Compare(w.Until) < 0
}

func (m *model) published(msg sent, then *graph.Graph) {
	if !then.Reach(msg.origin, msg.channel).Has(m.user) {
		return
	}
	for _, w := range m.requests {
		begun := msg.position().Compare(w.From) >= 0 // one may begin within an entry that is still to come
		if begun && !w.ended && w.before(msg) && w.pattern.Match(msg.channel) {
			m.want = append(m.want, formedFrame(msg, w.name, w.Form))
			return
		}
	}
}

// randomChange makes any change to the shares of a community; refusals are part of it.
func randomChange(w *world, rnd *rand.Rand, users []graph.UserID, group graph.GroupID) {
	patterns := []graph.Pattern{"a", "a*", "b", "*"}
	u, v := users[rnd.IntN(len(users))], users[rnd.IntN(len(users))]
	var shares []*graph.Share
	for s := range w.version.Graph.Shares() {
		shares = append(shares, s)
	}
	add := graph.AddShare{
		Channel: patterns[rnd.IntN(len(patterns))], User: v,
		Type:    []graph.ShareType{graph.Own, graph.All}[rnd.IntN(2)],
		History: []graph.History{graph.FromShare, graph.Full}[rnd.IntN(2)],
	}
	switch n := rnd.IntN(10); {
	case n < 3:
		if rnd.IntN(3) == 0 {
			add.User, add.Group = 0, group
		}
		_, _ = w.change(u, add)
	case n < 6 && len(shares) > 0:
		_, _ = w.change(u, graph.DecideShare{Share: shares[rnd.IntN(len(shares))].ID, Accept: rnd.IntN(4) > 0})
	case n == 6 && len(shares) > 0:
		s := shares[rnd.IntN(len(shares))]
		_, _ = w.change(s.Owner, graph.RemoveShare{Share: s.ID})
	case n == 7:
		_, _ = w.change(0, graph.AddMember{Group: group, User: u})
	case n == 8:
		_, _ = w.change(0, graph.RemoveMember{Group: group, User: u})
	case n == 9 && rnd.IntN(4) == 0:
		enabled := rnd.IntN(2) == 0
		_, _ = w.change(0, graph.EditUser{User: u, Enabled: &enabled})
	}
}

// What a replay delivers, and how it joins live, is what a naive evaluation over the whole log says.
func TestHistoryIsWhatANaiveReaderWouldReplay(t *testing.T) {
	for round := range 6 {
		seed := uint64(time.Now().UnixNano())
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Logf("seed %d", seed)
			replayRandomly(t, rand.New(rand.NewPCG(seed, uint64(round))))
		})
	}
}

func replayRandomly(t *testing.T, rnd *rand.Rand) {
	w := newWorld(t, 1<<20)
	if rnd.IntN(2) == 0 {
		w.scarce(rnd)
	}
	var users []graph.UserID
	for i := range 5 {
		users = append(users, w.user(fmt.Sprintf("user%d", i)))
	}
	group := graph.GroupID(w.must(users[0], graph.AddGroup{Name: "circle"}))
	channels, patterns := []string{"a", "a.b", "b"}, []graph.Pattern{"a", "a*", "b", "*"}
	publish := func() {
		var batch []message
		for range 1 + rnd.IntN(12) {
			m := message{users[rnd.IntN(len(users))], channels[rnd.IntN(len(channels))], 8 + rnd.IntN(900)}
			if rnd.IntN(20) == 0 {
				m.size = 10_000 + rnd.IntN(30_000) // some are referenced, some copied
			}
			for range 1 + rnd.IntN(3) {
				batch = append(batch, m) // runs of several messages
			}
		}
		w.publish(batch...)
	}
	for range 150 {
		if rnd.IntN(2) == 0 {
			randomChange(w, rnd, users, group)
		} else {
			publish()
		}
	}
	var subs []*Subscriber
	var peers []*peer
	var models []*model
	for i := range 10 {
		p := &peer{}
		u := users[i%len(users)]
		subs, peers = append(subs, w.router.Join(p.peer(), u, graph.DefaultMaxMessage)), append(peers, p)
		models = append(models, &model{user: u})
	}
	position := func() eventlog.Position { // anywhere, also within an entry and after the end
		return eventlog.Position{Index: 1 + uint64(rnd.IntN(int(w.index)+1)), Offset: uint32(rnd.IntN(6))}
	}
	for step := range 60 {
		w.settle(subs...)
		i := rnd.IntN(len(subs))
		switch rnd.IntN(5) {
		case 0, 1:
			want := &request{name: fmt.Sprint("s", step), pattern: patterns[rnd.IntN(len(patterns))]}
			if rnd.IntN(5) > 0 {
				want.From = position()
			}
			if rnd.IntN(3) == 0 {
				want.Until = position()
			}
			want.End = rnd.IntN(4) == 0
			want.Form = []Form{{}, {}, {Echo: true}, {Times: true}, {Positions: true, Times: true}}[rnd.IntN(5)]
			subs[i].Subscribe(want.name, want.pattern, want.History)
			models[i].subscribe(want, w.sent, w.version.Graph)
		case 2:
			randomChange(w, rnd, users, group)
		default:
			before := len(w.sent)
			publish()
			for _, m := range models {
				for _, msg := range w.sent[before:] {
					m.published(msg, w.version.Graph)
				}
			}
		}
	}
	w.settle(subs...)
	for i, m := range models {
		wantFrames(t, fmt.Sprintf("subscriber %d (user %d)", i, m.user), peers[i].frames(), m.want)
	}
}

// Two histories asked for at once and a live subscription that still has to get something are one reading: each message
// once, in log order, and each history is told done between the messages before and after its end.
func TestHistoriesAndLiveAreReadAsOne(t *testing.T) {
	w := newWorld(t, 1<<20)
	ada := w.user("ada")
	for range 200 {
		w.publish(message{ada, "a", 100}, message{ada, "b", 100}, message{ada, "c", 100})
	}
	p := &peer{gate: make(chan struct{})}
	s := w.router.Join(p.peer(), ada, graph.DefaultMaxMessage)
	w.settle()
	s.Subscribe("c", "c", History{})
	old := len(w.sent)
	w.publish(message{ada, "c", 100}) // blocks the writer
	w.settle()
	for p.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	s.Subscribe("a?", "a", History{From: w.sent[0].position()})
	s.Subscribe("a*?", "a*", History{From: w.sent[31].position()})
	s.Subscribe("b?", "b", History{From: w.sent[302].position(), Until: w.sent[401].position()})
	w.publish(message{ada, "a", 100}, message{ada, "b", 100}, message{ada, "c", 100})
	close(p.gate)
	w.settle(s)
	want := [][]byte{w.sent[old].frame}
	for i, m := range w.sent {
		if m.channel == "a" || m.channel == "b" && i >= 302 && i < 401 || m.channel == "c" && i > old {
			want = append(want, m.frame)
		}
	}
	wantFrames(t, "ada", p.frames(), want)
	told := strings.Join(p.told, "\n")
	size := len(want[0])
	ended := fmt.Sprintf("b?: 33 until %s, ended true, after %d bytes", w.sent[401].position(), size*(1+134+33))
	for _, part := range []string{"a?: 200 until #", "a*?: 189 until #", ended} {
		if !strings.Contains(told, part) {
			t.Errorf("told %q, want %q", told, part)
		}
	}
	if done := fmt.Sprintf("ended false, after %d bytes", size*(1+200+33)); !strings.Contains(told, done) {
		t.Errorf("told %q, want the live histories to be done: %q", told, done)
	}
}

// Parts of one run that several histories cover are joined, and the rest of it is left out.
func TestPartsOfARunAreJoined(t *testing.T) {
	w := newWorld(t, 1<<20)
	ada := w.user("ada")
	var batch []message
	for range 40 {
		batch = append(batch, message{ada, "a", 50})
	}
	w.publish(batch...)
	p := &peer{gate: make(chan struct{})}
	s := w.router.Join(p.peer(), ada, graph.DefaultMaxMessage)
	s.Subscribe("x", "x", History{})
	w.settle()
	w.publish(message{ada, "x", 8})
	for p.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	at := func(i int) eventlog.Position { return w.sent[i].position() }
	s.Subscribe("1", "a", History{From: at(3), Until: at(10)})
	s.Subscribe("2", "a*", History{From: at(8), Until: at(15)})
	s.Subscribe("3", "a", History{From: at(9), Until: at(12)})
	s.Subscribe("4", "a*", History{From: at(20), Until: at(22)})
	close(p.gate)
	w.settle(s)
	want := [][]byte{w.sent[40].frame}
	for i, m := range w.sent[:40] {
		if i >= 3 && i < 15 || i >= 20 && i < 22 {
			want = append(want, m.frame)
		}
	}
	wantFrames(t, "ada", p.frames(), want)
}

// What changes while a reading is under way takes effect at its next entry, and nothing is read twice for it.
func TestReadingFollowsItsSubscriptions(t *testing.T) {
	w := newWorld(t, 1<<20)
	ada := w.user("ada")
	for range 60 {
		w.publish(message{ada, "a", 300 << 10}, message{ada, "b", 10})
	}
	p := &peer{gate: make(chan struct{})}
	s := w.router.Join(p.peer(), ada, graph.DefaultMaxMessage)
	s.Subscribe("a?", "a", History{From: w.sent[0].position()})
	s.Subscribe("b?", "b", History{From: w.sent[0].position()})
	for range 20 {
		p.gate <- struct{}{}
	}
	for p.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	s.Unsubscribe("a?")
	close(p.gate)
	w.settle(s)
	var last, a, b int
	for _, f := range p.frames() {
		n := bytes.IndexByte(f, 'k') // the ident
		channel, number := f[n+2], 0
		if _, err := fmt.Sscanf(string(f[n+3:n+11]), "%d", &number); err != nil {
			t.Fatal(err)
		}
		if number < last {
			t.Fatalf("message %d after %d", number, last)
		}
		last = number + 1
		if channel == 'a' {
			a++
		} else {
			b++
		}
	}
	if b != 60 || a > 24 {
		t.Errorf("%d messages on a and %d on b, want about 21 and 60", a, b)
	}
}

// A slow subscriber gets neither what was published before a share was enabled, although it could replay it, nor,
// without being told, what retention has taken.
func TestSlowSubscriberIsNotTakenForAReplay(t *testing.T) {
	w := newWorld(t, 8<<10)
	ada, bob := w.user("ada"), w.user("bob")
	p := &peer{gate: make(chan struct{})}
	s := w.router.Join(p.peer(), bob, graph.DefaultMaxMessage)
	w.settle()
	s.Subscribe("*", "*", History{})
	for range 20 { // fills the outbox, and more
		w.publish(message{bob, "own", 2000})
	}
	id := graph.ShareID(w.must(ada, graph.AddShare{Channel: "a", User: bob, Type: graph.Own, History: graph.Full}))
	w.publish(message{ada, "a", 10})
	w.must(bob, graph.DecideShare{Share: id, Accept: true})
	w.publish(message{ada, "a", 11})
	w.settle()
	floor := w.sent[18].index
	w.append([]byte{byte(entry.KindReport)}, func(tx *eventlog.Tx, _ uint64) { tx.RaiseFloor(floor) })
	close(p.gate)
	w.settle(s)
	got := p.frames()
	wantFrames(t, "bob, at the end", got[len(got)-3:], [][]byte{w.sent[18].frame, w.sent[19].frame, w.sent[21].frame})
	if len(p.told) != 1 || !strings.Contains(p.told[0], "missed #") ||
		!strings.Contains(p.told[0], fmt.Sprintf("to #%d.0", floor)) {
		t.Errorf("told %q, want what was missed up to #%d.0", p.told, floor)
	}
}

// A share that is removed while somebody replays what it gave them ends the replay at once, and a slow reader below a
// floor that moves is told what it missed.
func TestReplayEndsWithItsRightAndTellsWhatItMissed(t *testing.T) {
	w := newWorld(t, 1<<20)
	ada, bob := w.user("ada"), w.user("bob")
	id := w.share(ada, bob, "a", graph.Own)
	for range 100 {
		w.publish(message{ada, "a", 100 << 10}, message{bob, "a", 100 << 10})
	}
	p := &peer{gate: make(chan struct{})}
	s := w.router.Join(p.peer(), bob, graph.DefaultMaxMessage)
	s.Subscribe("a?from=first", "a", History{From: eventlog.Position{Index: 1}})
	p.gate <- struct{}{}
	for p.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	floor := w.index - 10
	w.must(ada, graph.RemoveShare{Share: id})
	w.append([]byte{byte(entry.KindReport)}, func(tx *eventlog.Tx, _ uint64) { tx.RaiseFloor(floor) })
	close(p.gate)
	w.settle(s)
	got := p.frames()
	first := slices.IndexFunc(w.sent, func(m sent) bool { return m.index >= floor })
	var tail [][]byte
	for _, m := range w.sent[first:] {
		if m.origin == bob {
			tail = append(tail, m.frame)
		}
	}
	if len(got) <= len(tail) || len(got) > len(tail)+16 {
		t.Fatalf("%d messages, want a few before the change and %d after the floor", len(got), len(tail))
	}
	wantFrames(t, "bob, after the floor", got[len(got)-len(tail):], tail)
	if missed := fmt.Sprintf("to %s", eventlog.Position{Index: floor}); len(p.told) == 0 ||
		!strings.Contains(p.told[0], "missed #") || !strings.Contains(p.told[0], missed) {
		t.Errorf("told %q, want what was missed %s", p.told, missed)
	}
}

// A snapshot that the node gets, or retention that is faster than the tail, takes entries before the tail has met them.
// Live subscribers are told what is gone, and go on.
func TestTailGoesOnBehindWhatIsGone(t *testing.T) {
	w := newWorld(t, 1<<20)
	ada := w.user("ada")
	p := &peer{}
	s := w.router.Join(p.peer(), ada, graph.DefaultMaxMessage)
	s.Subscribe("a", "a", History{})
	w.publish(message{ada, "a", 100})
	w.settle(s)
	from := w.index + 1
	w.index += 50
	tx := w.log.Begin()
	tx.Install(1, 0, nil)
	if err := tx.Commit(w.index); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.publish(message{ada, "a", 100})
	}
	w.settle(s)
	var want [][]byte
	for _, m := range w.sent {
		want = append(want, m.frame)
	}
	wantFrames(t, "ada", p.frames(), want)
	gone := fmt.Sprintf("missed %s to %s", eventlog.Position{Index: from}, eventlog.Position{Index: from + 50})
	if len(p.told) != 1 || !strings.Contains(p.told[0], gone) {
		t.Errorf("told %q, want %q", p.told, gone)
	}
}

// Who comes back to a node that is behind, with a place that another node told, gets nothing again: not the part of the
// entry that it has, nor the entries before.
func TestSubscriptionBeginsAtAPositionStillToCome(t *testing.T) {
	for _, form := range []Form{{}, {Positions: true}} {
		w := newWorld(t, 1<<20)
		ada := w.user("ada")
		p := &peer{}
		s := w.router.Join(p.peer(), ada, graph.DefaultMaxMessage)
		w.settle(s)
		from := eventlog.Position{Index: w.index + 3, Offset: 2}
		s.Subscribe("a", "a", History{From: from, Form: form})
		w.settle(s)
		for range 4 {
			w.publish(message{ada, "a", 10}, message{ada, "b", 10}, message{ada, "a", 10}, message{ada, "a", 10})
			w.settle(s)
		}
		var want [][]byte
		for _, m := range w.sent {
			if m.channel != "a" || m.position().Compare(from) < 0 {
				continue
			}
			want = append(want, formedFrame(m, "a", form))
		}
		wantFrames(t, "ada", p.frames(), want)
		if len(p.told) != 1 || !strings.Contains(p.told[0], "until "+from.String()) {
			t.Errorf("told %q", p.told)
		}
	}
}

// A subscription that ends at a time still to come ends there.
func TestSubscriptionEndsWhenTold(t *testing.T) {
	w := newWorld(t, 1<<20)
	ada := w.user("ada")
	p := &peer{}
	s := w.router.Join(p.peer(), ada, graph.DefaultMaxMessage)
	s.Subscribe("a", "a", History{})
	w.publish(message{ada, "a", 10})
	w.settle(s)
	s.End("a", eventlog.Position{Index: w.index + 1})
	w.settle(s)
	w.publish(message{ada, "a", 10})
	w.settle(s)
	wantFrames(t, "ada", p.frames(), [][]byte{w.sent[0].frame})
	if len(p.told) != 1 || !strings.Contains(p.told[0], "ended true") {
		t.Errorf("told %q", p.told)
	}
	if next, ok := s.Idle(); !ok || next.Index != w.index+1 {
		t.Errorf("idle at %v, %t", next, ok)
	}
}

// A channel that leaves no room for its position is cut and marked, between two characters: if it stayed as it is, its
// end, which a publisher chose, would be read as the position.
func TestChannelWithoutRoomForItsPositionIsCut(t *testing.T) {
	forged := strings.Repeat("é", 120) + "@99.0@5"
	for _, form := range []Form{{Positions: true}, {Times: true}, {Positions: true, Times: true}} {
		channel := string(form.AppendChannel(nil, "*", forged, eventlog.Position{Index: 1e9, Offset: 7}, 1_700_000_000_123))
		stamp := string(form.AppendChannel(nil, "*", "", eventlog.Position{Index: 1e9, Offset: 7}, 1_700_000_000_123))
		kept, ok := strings.CutSuffix(channel, cutMark+stamp)
		if !ok || len(channel) > maxChannel || len(channel) < maxChannel-1 || strings.Trim(kept, "é") != "" {
			t.Errorf("%+v: %d bytes, %q", form, len(channel), channel)
		}
	}
}
