package router

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/graph/version"
	"hpfriends/internal/turns"
)

// world is a log, a graph and a router, without raft: entries are appended and applied directly.
type world struct {
	t       *testing.T
	log     *eventlog.Log
	version *version.Version // newest
	router  *Router
	index   uint64
	sent    []sent // every message, in log order
	stop    func() // the router
}

type sent struct {
	index   uint64
	offset  uint32
	origin  graph.UserID
	channel string
	frame   []byte
}

func newWorld(t *testing.T, outbox int) *world {
	t.Helper()
	log, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, log: log, version: version.New(graph.New(), 0)}
	w.router = New(log, w.version, Config{OutboxBytes: outbox})
	w.run()
	t.Cleanup(func() { w.stop(); log.Close() })
	return w
}

// run lets the router run until stop.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.router.Run(ctx); err != nil {
			w.t.Errorf("router: %v", err)
		}
	}()
	w.stop = func() { cancel(); <-done }
}

// scarce makes readers take less at a time than many entries hold.
func (w *world) scarce(rnd *rand.Rand) {
	w.router.memory = memory{bytes: 4 << 10, least: 1 + rnd.Int64N(4<<10)}
}

func (w *world) append(data []byte, apply func(tx *eventlog.Tx, index uint64)) {
	w.t.Helper()
	w.index++
	e := &raft.Log{Index: w.index, Term: 1, Type: raft.LogCommand, Data: data}
	if err := w.log.LogStore().StoreLog(e); err != nil {
		w.t.Fatal(err)
	}
	tx := w.log.Begin()
	apply(tx, w.index)
	if err := tx.Commit(w.index); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) change(by graph.UserID, op graph.Op) (uint64, error) {
	w.t.Helper()
	var object uint64
	var refusal error
	w.append([]byte{byte(entry.KindChange)}, func(_ *eventlog.Tx, index uint64) {
		c := graph.Command{By: graph.Actor{User: by, Operator: by == 0}, Time: time.Unix(int64(index), 0), Op: op}
		g, out, err := w.version.Graph.Apply(index, c)
		if refusal = err; err == nil {
			w.version, object = w.version.Append(g, index, op), out.Object
		}
	})
	return object, refusal
}

func (w *world) must(by graph.UserID, op graph.Op) uint64 {
	w.t.Helper()
	id, err := w.change(by, op)
	if err != nil {
		w.t.Fatalf("%T: %v", op, err)
	}
	return id
}

// message is one frame in a batch.
type message struct {
	origin  graph.UserID
	channel string
	size    int
}

func (w *world) publish(all ...message) {
	w.t.Helper()
	var b entry.Builder
	for i, m := range all {
		f := frame(m.channel, len(w.sent), m.size)
		b.Add(m.channel, uint64(m.origin), uint64(m.origin), int64(w.index), netip.Addr{}, f, 1)
		w.sent = append(w.sent, sent{w.index + 1, uint32(i), m.origin, m.channel, f})
	}
	data := b.Encode([16]byte{1}, w.index+1)
	h, err := entry.DecodeHeader(data)
	if err != nil {
		w.t.Fatal(err)
	}
	w.append(data, func(tx *eventlog.Tx, index uint64) { tx.IndexBatch(index, h) })
}

// frame is a PUBLISH frame whose payload begins with a number, filled up to size bytes.
func frame(channel string, number, size int) []byte {
	payload := fmt.Appendf(nil, "%08d", number)
	for len(payload) < size {
		payload = append(payload, byte(number+len(payload)))
	}
	f := binary.BigEndian.AppendUint32(nil, uint32(5+1+1+1+len(channel)+len(payload)))
	f = append(f, 3, 1, 'k', byte(len(channel)))
	return append(append(f, channel...), payload...)
}

// peer is a connection that can be made to block.
type peer struct {
	mu      sync.Mutex
	got     []byte
	next    eventlog.Position // of the last Send
	most    int               // bytes of the largest Send
	told    []string          // Replayed and Missed, and how many bytes had been sent
	skipped []int
	gate    chan struct{} // nil: open; one Send passes for each receive
	waiting atomic.Int32  // Sends at the gate
	fail    error
}

func (p *peer) Send(bufs net.Buffers) error {
	p.mu.Lock()
	gate := p.gate
	p.mu.Unlock()
	if gate != nil {
		p.waiting.Add(1)
		<-gate
		p.waiting.Add(-1)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	n := 0
	for _, b := range bufs {
		p.got = append(p.got, b...)
		n += len(b)
	}
	p.most = max(p.most, n)
	return nil
}

func (p *peer) sent(next eventlog.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = next
}

// peer is p as the router knows it.
func (p *peer) peer() Peer { return Peer{Conn: p, Events: p, Sent: p.sent} }

func (p *peer) Skipped(_ *entry.Run, size int, _ bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skipped = append(p.skipped, size)
}

func (p *peer) Omitted(name string, at eventlog.Position, channel string, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, fmt.Sprintf("%s: %d bytes on %s at %s, after %d bytes", name, size, channel, at, len(p.got)))
}

func (p *peer) Replayed(name string, r Replayed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, fmt.Sprintf("%s: %d until %s, ended %t, after %d bytes",
		name, r.Messages, r.Next, r.Ended, len(p.got)))
}

func (p *peer) Failed(at eventlog.Position, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, fmt.Sprintf("failed at %s: %v", at, err))
}

func (p *peer) Missed(name string, from, to eventlog.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, fmt.Sprintf("%s: missed %s to %s", name, from, to))
}

func (p *peer) frames() (all [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for f := p.got; len(f) > 0; {
		n := frameLen(f)
		all = append(all, f[:n])
		f = f[n:]
	}
	return all
}

// settle waits until the router has met the end of the log and s has nothing left to write.
func (w *world) settle(subs ...*Subscriber) {
	w.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		quiet := w.router.Position() == w.index+1
		for _, s := range subs {
			s.mu.Lock()
			quiet = quiet && !s.writing
			s.mu.Unlock()
		}
		if quiet {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatal("deliveries have not settled after 10 s")
		}
		time.Sleep(time.Millisecond)
	}
}

func wantFrames(t *testing.T, who string, got, want [][]byte) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !bytes.Equal(got[i], want[i]) {
			t.Fatalf("%s: %d messages, want %d; the first difference is at %d", who, len(got), len(want), i)
		}
	}
}

func (w *world) user(handle string) graph.UserID {
	w.t.Helper()
	return graph.UserID(w.must(0, graph.AddUser{Handle: handle}))
}

func (w *world) share(from, to graph.UserID, pattern graph.Pattern, typ graph.ShareType) graph.ShareID {
	w.t.Helper()
	id := graph.ShareID(w.must(from, graph.AddShare{Channel: pattern, User: to, Type: typ, History: graph.FromShare}))
	w.must(to, graph.DecideShare{Share: id, Accept: true})
	return id
}

// A reader that chose what to look for before a share does not leave out what it opens. Entries are far enough from the
// end to be looked for by the index.
func TestReaderLooksAgainByANewerGraph(t *testing.T) {
	w := newWorld(t, defaultOutboxBytes)
	ada, bob := w.user("ada"), w.user("bob")
	var p peer
	s := w.router.Join(p.peer(), bob, graph.DefaultMaxMessage)
	s.Subscribe("*", "*", History{})
	w.settle(s)
	w.stop() // by hand from here on
	s.lagAt, s.from = eventlog.Position{Index: w.index + 1}, w.version
	r := s.newReader()
	r.plan()
	r.choose()
	w.share(ada, bob, "c", graph.Own)
	w.publish(message{ada, "c", 10})
	want := w.index
	for range 300 {
		w.publish(message{ada, "other", 10})
	}
	if got, _, err := r.find(); err != nil || len(got) == 0 || got[0] != want {
		t.Errorf("%v, %v, want %d", got, err, want)
	}
	w.run()
}

func TestDeliversToThoseInReachOnlyAndOnce(t *testing.T) {
	w := newWorld(t, defaultOutboxBytes)
	ada, bob, cleo := w.user("ada"), w.user("bob"), w.user("cleo")
	w.share(ada, bob, "d.*", graph.Own)
	var peers [3]peer
	var subs []*Subscriber
	for i, u := range []graph.UserID{ada, bob, cleo} {
		s := w.router.Join((&peers[i]).peer(), u, graph.DefaultMaxMessage)
		s.Subscribe("d.capture", "d.capture", History{})
		s.Subscribe("d.*", "d.*", History{})
		s.Subscribe("d.*", "d.*", History{}) // twice is once
		subs = append(subs, s)
	}
	w.publish(message{ada, "d.capture", 10}, message{ada, "other", 10}, message{cleo, "d.capture", 10})
	w.settle(subs...)
	wantFrames(t, "ada, the origin", peers[0].frames(), [][]byte{w.sent[0].frame})
	wantFrames(t, "bob, who accepted", peers[1].frames(), [][]byte{w.sent[0].frame})
	wantFrames(t, "cleo, with whom nobody shares", peers[2].frames(), [][]byte{w.sent[2].frame})

	subs[1].Unsubscribe("d.*")
	subs[1].Unsubscribe("d.capture")
	w.publish(message{ada, "d.capture", 10})
	w.settle(subs...)
	wantFrames(t, "bob, who unsubscribed", peers[1].frames(), [][]byte{w.sent[0].frame})
}

func TestLargeMessageIsSkippedForASmallAuthkey(t *testing.T) {
	w := newWorld(t, defaultOutboxBytes)
	ada := w.user("ada")
	var p peer
	s := w.router.Join((&p).peer(), ada, 1000)
	s.Subscribe("c", "c", History{})
	w.publish(message{ada, "c", 100}, message{ada, "c", 5000}, message{ada, "c", 200})
	w.settle(s)
	wantFrames(t, "ada", p.frames(), [][]byte{w.sent[0].frame, w.sent[2].frame})
	if len(p.skipped) != 1 || p.skipped[0] != len(w.sent[1].frame) {
		t.Errorf("told about skipped sizes %v, want %d", p.skipped, len(w.sent[1].frame))
	}
}

// Who asks for it is told of a message that is too large in its place, whatever the frames look like.
func TestSkippedMessageIsToldInItsPlace(t *testing.T) {
	for _, form := range []Form{{}, {Positions: true}} {
		w := newWorld(t, defaultOutboxBytes)
		ada := w.user("ada")
		var p peer
		s := w.router.Join((&p).peer(), ada, 1000)
		s.Subscribe("name", "c", History{Notify: true, Form: form})
		w.settle(s)
		p.told = nil // that its history is done
		w.publish(message{ada, "c", 100}, message{ada, "c", 5000}, message{ada, "c", 200})
		w.settle(s)
		first, size := formedFrame(w.sent[0], "name", form), len(w.sent[1].frame)
		wantFrames(t, "ada", p.frames(), [][]byte{first, formedFrame(w.sent[2], "name", form)})
		want := fmt.Sprintf("name: %d bytes on c at %s, after %d bytes", size, w.sent[1].position(), len(first))
		if len(p.told) != 1 || p.told[0] != want || len(p.skipped) != 1 {
			t.Errorf("told %q, want %q", p.told, want)
		}
	}
}

// TestDefaultLimitIsAMebibyteWithTheHeader: hpfeeds-rs ends at a frame of one byte more, and with a history it would do
// so at every reconnect.
func TestDefaultLimitIsAMebibyteWithTheHeader(t *testing.T) {
	w := newWorld(t, defaultOutboxBytes)
	ada := w.user("ada")
	var p peer
	s := w.router.Join((&p).peer(), ada, graph.DefaultMaxMessage)
	s.Subscribe("c", "c", History{})
	w.publish(message{ada, "c", 100})
	fits := 1<<20 - len(w.sent[0].frame) + 100
	w.publish(message{ada, "c", fits}, message{ada, "c", fits + 1})
	w.settle(s)
	wantFrames(t, "ada", p.frames(), [][]byte{w.sent[0].frame, w.sent[1].frame})
	if len(p.skipped) != 1 || p.skipped[0] != 1<<20+1 {
		t.Errorf("told about skipped sizes %v, want %d", p.skipped, 1<<20+1)
	}
}

func TestSlowSubscriberLosesNothingAndCostsBoundedMemory(t *testing.T) {
	const outbox = 64 << 10
	w := newWorld(t, outbox)
	ada := w.user("ada")
	slow, fast := &peer{gate: make(chan struct{})}, &peer{}
	s := w.router.Join(slow.peer(), ada, graph.DefaultMaxMessage)
	f := w.router.Join(fast.peer(), ada, graph.DefaultMaxMessage)
	s.Subscribe("c", "c", History{})
	f.Subscribe("c", "c", History{})
	var want [][]byte
	for range 300 {
		w.publish(message{ada, "c", 500}, message{ada, "x", 4000}, message{ada, "c", 300})
		s.mu.Lock()
		if s.charged > outbox+8<<10 {
			t.Fatalf("the slow subscriber's outbox holds on to %d bytes, bound %d", s.charged, outbox)
		}
		s.mu.Unlock()
	}
	for _, m := range w.sent {
		if m.channel == "c" {
			want = append(want, m.frame)
		}
	}
	w.settle(f)
	wantFrames(t, "the fast one", fast.frames(), want)
	if w.router.Lags() == 0 {
		t.Fatal("the slow subscriber never fell behind: the test shows nothing")
	}
	if n := w.router.Lagging(); n != 1 {
		t.Errorf("%d go on from the log, want the slow one", n)
	}
	slow.mu.Lock()
	close(slow.gate)
	slow.gate = nil
	slow.mu.Unlock()
	w.settle(s)
	wantFrames(t, "the slow one", slow.frames(), want)
	w.publish(message{ada, "c", 50}) // it is live again
	w.settle(s)
	wantFrames(t, "the slow one, live again", slow.frames(), append(want, w.sent[len(w.sent)-1].frame))
	if n := w.router.Lagging(); n != 0 {
		t.Errorf("both are live, and %d go on from the log", n)
	}
}

// However many do not read, and whatever they have asked for: together they hold on to what the node has for them, and
// in the end each has everything.
func TestSlowSubscribersShareMemory(t *testing.T) {
	for _, c := range []struct {
		memory, slow int
		relieves     bool
	}{{2 << 20, 40, false}, {8 << 20, 4, true}} {
		w := newWorld(t, defaultOutboxBytes)
		w.router.memory = newMemory(int64(c.memory))
		ada := w.user("ada")
		gate := make(chan struct{})
		peers, subs := make([]*peer, c.slow), make([]*Subscriber, c.slow)
		for i := range peers {
			peers[i] = &peer{gate: gate}
			subs[i] = w.router.Join(peers[i].peer(), ada, graph.DefaultMaxMessage)
			h := History{Notify: i%4 == 1}
			if i%4 == 2 {
				h.From.Index = 1
			}
			subs[i].Subscribe("c", "c", h)
		}
		most := int64(0)
		for range 50 {
			w.publish(message{ada, "c", 60_000}, message{ada, "c", 200}, message{ada, "c", 40_000})
			for w.router.Position() != w.index+1 {
				time.Sleep(50 * time.Microsecond)
			}
			queued, inHand, _ := w.router.Memory()
			most = max(most, queued+inHand)
		}
		if bound := int64(c.memory + c.slow*(leastPortion+copyBelow+100_300)); most > bound || most < int64(c.memory)/4 {
			t.Errorf("%d bytes were held on to, want at most %d", most, bound)
		}
		if _, _, relieved := w.router.Memory(); (relieved > 0) != c.relieves {
			t.Errorf("%d had to go on from the log for the sake of others", relieved)
		}
		close(gate)
		w.settle(subs...)
		want := bytes.Join(collect(w.sent), nil)
		for i, p := range peers {
			if !bytes.Equal(bytes.Join(p.frames(), nil), want) {
				t.Errorf("subscriber %d has something else", i)
			}
		}
		if queued, inHand, _ := w.router.Memory(); queued != 0 || inHand != 0 {
			t.Errorf("in the end %d bytes are queued and %d in hand", queued, inHand)
		}
	}
}

// A reader may be ahead of the router: what it has read of an entry is not offered again, wherever it has stopped.
func TestReaderIsAheadOfTheRouter(t *testing.T) {
	w := newWorld(t, 1<<10)
	w.router.turns = turns.New[graph.UserID](1, 1)
	ada := w.user("ada")
	p := &peer{gate: make(chan struct{})}
	s := w.router.Join(p.peer(), ada, graph.DefaultMaxMessage)
	s.Subscribe("*", "*", History{})
	if err := w.router.turns.Take(t.Context(), ada); err != nil { // so that the reader waits
		t.Fatal(err)
	}
	for range 4 { // sent, queued, and left to a reader
		w.publish(message{ada, "c", 1000})
		for w.router.Position() != w.index+1 {
			time.Sleep(time.Millisecond)
		}
	}
	w.stop()
	w.publish(message{ada, "c", 300_000}, message{ada, "d", 100})
	close(p.gate)
	w.router.turns.Give(ada)
	for len(p.frames()) < 5 || !s.isIdle() {
		time.Sleep(time.Millisecond)
	}
	if w.router.Lags() == 0 {
		t.Fatal("nobody fell behind: the test shows nothing")
	}
	w.run()
	w.publish(message{ada, "c", 100})
	w.settle(s)
	wantFrames(t, "the reader", p.frames(), collect(w.sent))
}

// A subscriber that has unsubscribed holds on to nothing.
func TestUnsubscribedQueueIsGivenBack(t *testing.T) {
	w := newWorld(t, defaultOutboxBytes)
	ada := w.user("ada")
	p := &peer{gate: make(chan struct{})}
	s := w.router.Join(p.peer(), ada, graph.DefaultMaxMessage)
	s.Subscribe("c", "c", History{})
	w.publish(message{ada, "c", 100})
	for p.waiting.Load() == 0 { // the writer has this one in hand
		time.Sleep(time.Millisecond)
	}
	for range 20 {
		w.publish(message{ada, "c", 50_000})
	}
	for w.router.Position() != w.index+1 {
		time.Sleep(time.Millisecond)
	}
	if queued, _, _ := w.router.Memory(); queued < 100_000 {
		t.Fatalf("only %d bytes are queued", queued)
	}
	s.Unsubscribe("c")
	if queued, _, _ := w.router.Memory(); queued != 0 {
		t.Errorf("%d bytes are queued for nobody", queued)
	}
	close(p.gate)
}

func collect(all []sent) (frames [][]byte) {
	for _, m := range all {
		frames = append(frames, m.frame)
	}
	return frames
}

func TestRemovedShareEndsWhatIsQueued(t *testing.T) {
	w := newWorld(t, 1<<20)
	ada, bob := w.user("ada"), w.user("bob")
	id := w.share(ada, bob, "c", graph.Own)
	p := &peer{gate: make(chan struct{}, 1)}
	s := w.router.Join(p.peer(), bob, graph.DefaultMaxMessage)
	s.Subscribe("c", "c", History{})
	w.publish(message{ada, "c", 10})
	p.gate <- struct{}{} // the first Send passes
	w.settle(s)
	w.publish(message{ada, "c", 10}) // handed to the socket, which blocks
	for s.isIdle() {
		time.Sleep(time.Millisecond)
	}
	for range 10 {
		w.publish(message{ada, "c", 10}) // queued
	}
	w.must(ada, graph.RemoveShare{Share: id})
	for w.router.Position() != w.index+1 {
		time.Sleep(time.Millisecond)
	}
	close(p.gate)
	w.settle(s)
	wantFrames(t, "bob", p.frames(), [][]byte{w.sent[0].frame, w.sent[1].frame})
}

func (s *Subscriber) isIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.writing || len(s.queue) > 0
}

func TestFailedConnectionEndsItsSubscriber(t *testing.T) {
	w := newWorld(t, defaultOutboxBytes)
	ada := w.user("ada")
	s := w.router.Join((&peer{fail: errors.New("gone")}).peer(), ada, graph.DefaultMaxMessage)
	s.Subscribe("c", "c", History{})
	w.publish(message{ada, "c", 10})
	w.settle(s)
	if len(s.subscribed) != 0 {
		t.Errorf("still subscribed to %v", s.subscribed)
	}
}

// The stream of every subscriber, however slow, is what a naive reader of the whole log would deliver: in the reach by
// the graph of the message's position, subscribed by then, in order, once. Here the graph only grows, so that the rule
// for readers that lag takes nothing away.
func TestEveryPaceDeliversTheSame(t *testing.T) {
	for _, memory := range []string{"plenty", "scarce"} {
		t.Run(memory, func(t *testing.T) { deliverAtEveryPace(t, memory == "scarce") })
	}
}

func deliverAtEveryPace(t *testing.T, scarce bool) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t, 16<<10)
	if scarce {
		w.scarce(rnd)
	}
	var users []graph.UserID
	for i := range 6 {
		users = append(users, w.user(fmt.Sprintf("user%d", i)))
	}
	channels := []string{"a", "a.b", "b"}
	patterns := []graph.Pattern{"a", "a*", "b", "*"}
	type subscription struct {
		s     *Subscriber
		p     *peer
		user  graph.UserID
		since map[graph.Pattern]uint64
	}
	var subs []subscription
	for i := range 18 {
		p := &peer{}
		if i%3 != 0 {
			p.gate = make(chan struct{}, 1<<16)
		}
		u := users[i%len(users)]
		s := w.router.Join(p.peer(), u, graph.DefaultMaxMessage)
		subs = append(subs, subscription{s, p, u, make(map[graph.Pattern]uint64)})
	}
	reaches := make(map[uint64]*version.Version) // version in force at each batch
	for range 400 {
		switch rnd.IntN(8) {
		case 0:
			from, to := users[rnd.IntN(len(users))], users[rnd.IntN(len(users))]
			typ := []graph.ShareType{graph.Own, graph.All}[rnd.IntN(2)]
			share := graph.AddShare{Channel: patterns[rnd.IntN(len(patterns))], User: to, Type: typ, History: graph.FromShare}
			if id, err := w.change(from, share); err == nil {
				w.must(to, graph.DecideShare{Share: graph.ShareID(id), Accept: true})
			}
		case 1:
			sub := subs[rnd.IntN(len(subs))]
			p := patterns[rnd.IntN(len(patterns))]
			for w.router.Position() != w.index+1 { // so that the model knows from which entry on it holds
				time.Sleep(100 * time.Microsecond)
			}
			sub.s.Subscribe(string(p), p, History{})
			if _, ok := sub.since[p]; !ok {
				sub.since[p] = w.index + 1
			}
		case 2:
			if g := subs[rnd.IntN(len(subs))].p.gate; g != nil {
				g <- struct{}{}
			}
		default:
			var batch []message
			for range 1 + rnd.IntN(20) {
				batch = append(batch, message{users[rnd.IntN(len(users))], channels[rnd.IntN(len(channels))], 8 + rnd.IntN(600)})
			}
			w.publish(batch...)
			reaches[w.index] = w.version
		}
	}
	all := make([]*Subscriber, 0, len(subs))
	for _, sub := range subs {
		if sub.p.gate != nil {
			close(sub.p.gate)
		}
		all = append(all, sub.s)
	}
	w.settle(all...)
	for i, sub := range subs {
		var want [][]byte
		for _, m := range w.sent {
			covered := false
			for p, since := range sub.since {
				covered = covered || since <= m.index && p.Match(m.channel)
			}
			if covered && reaches[m.index].Graph.Reach(m.origin, m.channel).Has(sub.user) {
				want = append(want, m.frame)
			}
		}
		wantFrames(t, fmt.Sprintf("subscriber %d", i), sub.p.frames(), want)
	}
	if w.router.Lags() == 0 {
		t.Error("nobody fell behind: the test shows too little")
	}
}
