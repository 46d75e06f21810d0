package program

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/query/view"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// line is a connection in a conversation: what is said, and what is heard within a few seconds.
type line struct {
	net.Conn
	t     *testing.T
	ident string
}

func (c *community) dial(user string) *line {
	return &line{c.connect(user), c.t, c.keys[user].Ident}
}

func (l *line) subscribe(channel string) {
	l.t.Helper()
	if _, err := l.Write(wire.AppendSubscribe(nil, l.ident, channel)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) unsubscribe(channel string) {
	l.t.Helper()
	if _, err := l.Write(wire.AppendUnsubscribe(nil, l.ident, channel)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) publish(channel, payload string) {
	l.t.Helper()
	if _, err := l.Write(wire.AppendPublish(nil, l.ident, channel, []byte(payload))); err != nil {
		l.t.Fatal(err)
	}
}

// hear is the next frame: "CHANNEL IDENT PAYLOAD", or "ERROR text".
func (l *line) hear() string {
	l.t.Helper()
	_ = l.SetReadDeadline(time.Now().Add(10 * time.Second))
	f, err := readFrame(l)
	if err != nil {
		l.t.Fatal(err)
	}
	if f[4] == wire.OpError {
		return "ERROR " + string(f[wire.HeaderLen:])
	}
	ident, channel, payload, err := wire.ParsePublish(f)
	if err != nil {
		l.t.Fatal(err)
	}
	return fmt.Sprintf("%s %s %s", channel, ident, payload)
}

func (l *line) expect(want ...string) {
	l.t.Helper()
	for _, w := range want {
		if got := l.hear(); got != w {
			l.t.Fatalf("heard %q, want %q", got, w)
		}
	}
}

func (l *line) expectError(part string) {
	l.t.Helper()
	if got := l.hear(); !strings.HasPrefix(got, "ERROR ") || !strings.Contains(got, part) {
		l.t.Fatalf("heard %q, want an ERROR with %q", got, part)
	}
}

// notice is the next frame, which is on $replay.
func (l *line) notice() (n subscription.Notice) {
	l.t.Helper()
	heard := l.hear()
	_, payload, _ := strings.Cut(heard, subscription.Replay+" "+l.ident+" ")
	if err := json.Unmarshal([]byte(payload), &n); err != nil {
		l.t.Fatalf("heard %q: %v", heard, err)
	}
	return n
}

// settled publishes on a channel of its own until it is back: all that was published before is in the log.
func (l *line) settled(channel string) {
	l.t.Helper()
	l.subscribe(channel)
	l.publish(channel, "settled")
	l.expect(channel + " " + l.ident + " settled")
	l.unsubscribe(channel)
}

func TestHistoryOverThePlainProtocol(t *testing.T) {
	c := newCommunity(t, "ada")
	pub := c.dial("ada")
	for i := range 3 {
		pub.publish("d.one", fmt.Sprint(i))
		pub.publish("d.two", fmt.Sprint(i))
	}
	pub.settled("sync")

	t.Run("positions lead back to the very next message", func(t *testing.T) {
		l := c.dial("ada")
		l.subscribe("d.*?from=first&positions=1")
		var position string
		for i := range 4 {
			heard := l.hear()
			channel, _, _ := strings.Cut(heard, " ")
			name, at, ok := strings.Cut(channel, "@")
			if !ok || name != []string{"d.one", "d.two"}[i%2] {
				t.Fatalf("heard %q", heard)
			}
			position = at
		}
		var index, offset uint64
		if _, err := fmt.Sscanf(position, "%d.%d", &index, &offset); err != nil {
			t.Fatal(err)
		}
		l = c.dial("ada")
		l.subscribe(fmt.Sprintf("d.*?from=%%23%d.%d", index, offset+1))
		l.expect("d.one ada-key 2", "d.two ada-key 2")
		pub.publish("d.one", "live")
		l.expect("d.one ada-key live")
	})

	t.Run("a notice says where history ended, and what ends ends", func(t *testing.T) {
		l := c.dial("ada")
		l.subscribe("d.one?since=1h&follow=0&notify=1")
		l.expect("d.one ada-key 0", "d.one ada-key 1", "d.one ada-key 2", "d.one ada-key live")
		n := l.notice()
		if n.Event != "done" || n.Messages != 4 || n.Live || n.Subscription != "d.one?since=1h&follow=0&notify=1" {
			t.Errorf("notice %+v", n)
		}
		l.subscribe("d.one?from=" + strings.Replace(n.Next, "#", "%23", 1) + "&notify=1")
		if n := l.notice(); n.Messages != 0 || !n.Live {
			t.Errorf("notice %+v", n)
		}
		pub.publish("d.one", "later")
		l.expect("d.one ada-key later") // once: the first subscription has ended
		pub.publish("d.one", "last")
		l.expect("d.one ada-key last")
	})

	t.Run("until a time that is still to come", func(t *testing.T) {
		l := c.dial("ada")
		l.subscribe("d.two?until=" + time.Now().Add(700*time.Millisecond).UTC().Format(time.RFC3339Nano) +
			"&notify=1&from=first")
		l.expect("d.two ada-key 0", "d.two ada-key 1", "d.two ada-key 2")
		if n := l.notice(); !n.Live || n.Messages != 3 {
			t.Errorf("notice %+v", n)
		}
		pub.publish("d.two", "in time")
		l.expect("d.two ada-key in time")
		if n := l.notice(); n.Live {
			t.Errorf("notice %+v", n)
		}
		pub.publish("d.two", "too late")
		l.settled("sync")
	})

	t.Run("what cannot be is refused in words", func(t *testing.T) {
		l := c.dial("ada")
		for text, part := range map[string]string{
			"d.one?sinse=1h":           "since=TIME",
			"d.one?from=%23999999.0":   "does not exist",
			"d.one?from=%23" + "1.0":   "", // taken: nothing is below the floor yet
			"$nothing":                 "no reserved channel",
			"$acks?since=1h":           "takes no query",
			"d.one..broker?from=first": "takes no query",
			"a*b?since=1h":             "*",
		} {
			l.subscribe(text)
			if part != "" {
				l.expectError(part)
			} else {
				l.unsubscribe(text)
				l.settledAfter("sync")
			}
		}
		if row := c.row("ada", "Subscription not understood."); row.Detail == "" || strings.Contains(row.Detail, "want ") {
			t.Errorf("Logs say why, and no more, by %q", row.Detail)
		}
		l.publish("$replay", "forged")
		l.expectError("")
		for i := range 1000 {
			l.subscribe(fmt.Sprint("many.", i))
		}
		l.subscribe("one too many")
		l.expectError("Too many subscriptions")
	})
}

// dispatched is what the handlers of a client get that looks them up by the channel of a frame under the text that it
// subscribed to, and drops what has none: as the Go client and the Ruby gem do, which logstash-input-hpfeeds builds on.
// The Go client adds the lengths of ident and channel in one byte, and panics when that overflows.
func (l *line) dispatched(messages int, texts ...string) (handled []string) {
	l.t.Helper()
	for _, text := range texts {
		l.subscribe(text)
	}
	for range messages {
		channel, rest, _ := strings.Cut(l.hear(), " ")
		ident, payload, _ := strings.Cut(rest, " ")
		if overhead := 2 + len(ident) + len(channel); int(uint8(overhead)) != overhead {
			l.t.Fatalf("a frame with %d bytes of ident and channel", overhead)
		}
		if slices.Contains(texts, channel) {
			handled = append(handled, channel+" "+payload)
		}
	}
	return handled
}

// Clients that dispatch by the name they subscribed to get history and patterns when frames carry that name.
func TestEchoReachesClientsThatDispatchByTheNameTheySubscribed(t *testing.T) {
	c := newCommunity(t, "ada")
	pub := c.dial("ada")
	pub.publish("c", "past")
	pub.publish("d.one", "old")
	pub.settled("sync")

	if got := c.dial("ada").dispatched(2, "c?since=1h", "d.*?since=1h"); len(got) != 0 { // what was wrong
		t.Errorf("without echo they handle %q", got)
	}
	l := c.dial("ada")
	got := l.dispatched(2, "c?since=1h&echo=1", "d.*?from=first&echo=1")
	if want := []string{"c?since=1h&echo=1 past", "d.*?from=first&echo=1 old"}; !slices.Equal(got, want) {
		t.Errorf("they handle %q, want %q", got, want)
	}
	pub.publish("d.two", "live")
	l.expect("d.*?from=first&echo=1 ada-key live")

	kept := c.dial("ada")
	kept.subscribe("e.*?durable=logstash&echo=1") // as Connect a sensor has it
	kept.settled("sync")
	pub.publish("e.one", "kept")
	kept.expect("e.*?durable=logstash&echo=1 ada-key kept")

	// Who is subscribed twice gets a message once, as the older asks for.
	l.subscribe("d.two?times=1")
	pub.publish("d.two", "again")
	l.expect("d.*?from=first&echo=1 ada-key again")
	l.unsubscribe("d.*?from=first&echo=1")
	l.settled("sync") // what comes on another connection would overtake it
	pub.publish("d.two", "timed")
	heard := l.hear()
	channel, _, _ := strings.Cut(heard, " ")
	name, stamp, ok := subscription.Cut(channel)
	if age := time.Since(time.UnixMilli(stamp.Millis)); !ok || name != "d.two" || age < 0 || age > time.Minute {
		t.Errorf("with times=1 comes %q", heard)
	}
	l.subscribe(strings.Repeat("c", 250) + "?echo=1")
	l.expectError("at most 255 bytes")
	l.subscribe("$audit?from=first&echo=1")
	if heard := l.hear(); !strings.HasPrefix(heard, "$audit?from=first&echo=1 ada-key {") {
		t.Errorf("the audit's echo is %q", heard)
	}
}

// A client whose right ends is told which of its subscriptions is over, and keeps the others.
func TestSubscriptionThatIsNoLongerAllowedEndsWithAnError(t *testing.T) {
	c := newCommunity(t, "ada")
	c.do("ada", "PATCH", "/authkeys/ada-key", map[string]any{"sub": []string{"c", "d", "sync"}}, nil)
	l := c.dial("ada")
	for _, text := range []string{"c", "d?since=1h"} {
		l.subscribe(text)
	}
	l.settled("sync")
	c.do("ada", "PATCH", "/authkeys/ada-key", map[string]any{"sub": []string{"c", "sync"}}, nil)
	l.expect("ERROR Authkey not allowed to subscribe here. chan=d?since=1h")
	l.publish("d", "unseen")
	l.publish("c", "seen")
	l.expect("c ada-key seen")
	var rows []view.LogRow
	for deadline := time.Now().Add(10 * time.Second); len(rows) == 0 && time.Now().Before(deadline); {
		c.do("ada", "GET", "/logs", struct{}{}, &rows)
	}
	if len(rows) != 1 || rows[0].Channel != "d?since=1h" {
		t.Errorf("logs %+v", rows)
	}
}

// settledAfter is settled where other messages may still come.
func (l *line) settledAfter(channel string) {
	l.t.Helper()
	l.subscribe(channel)
	l.publish(channel, "settled")
	for l.hear() != channel+" "+l.ident+" settled" {
	}
	l.unsubscribe(channel)
}

// Who publishes learns who listens, and of nobody else.
func TestPresence(t *testing.T) {
	c := newCommunity(t, "ada", "bob", "cleo")
	id := c.share("ada", "d.*", "bob", "own")
	c.decide("bob", id, "accept")
	ada := c.dial("ada")
	ada.subscribe("d.one..broker")
	ada.settled("sync")
	cleo := c.dial("cleo")
	cleo.subscribe("d.one") // receives nothing from ada
	cleo.settled("sync")
	bob := c.dial("bob")
	bob.subscribe("d.one")
	ada.expect("d.one..broker bob-key join")
	bob.unsubscribe("d.one")
	ada.expect("d.one..broker bob-key leave")
	bob.subscribe("d.*?since=1h")
	ada.expect("d.one..broker bob-key join")
	bob.Close()
	ada.expect("d.one..broker bob-key leave")
	c.decide("bob", id, "disable")
	again := c.dial("bob")
	again.subscribe("d.one")
	again.settled("sync")
	ada.settled("sync") // nothing came
}

// A durable subscription goes on where it was, over a restart of the server too, and belongs to one connection.
func TestDurableSubscription(t *testing.T) {
	dir := t.TempDir()
	c := newCommunityIn(t, dir, "ada")
	pub := c.dial("ada")
	l := c.dial("ada")
	l.subscribe("d?durable=tool")
	pub.settled("sync")
	pub.publish("d", "one")
	l.expect("d ada-key one")

	second := c.dial("ada")
	second.subscribe("d?durable=tool")
	l.expectError("taken over")
	second.expect("d ada-key one") // at least once: nothing says that the first has handled it
	other := c.dial("ada")
	other.subscribe("d?durable=other")
	other.settled("sync")
	second.Close()
	other.Close()

	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	c.Server = startTestProcess(t, dir)
	pub = c.dial("ada")
	pub.publish("d", "two")
	pub.settled("sync")
	l = c.dial("ada")
	l.subscribe("d?durable=tool&notify=1")
	l.expect("d ada-key one", "d ada-key two")
	if n := l.notice(); n.Messages != 2 {
		t.Errorf("notice %+v", n)
	}
	l = c.dial("ada")
	l.subscribe("d?durable=other")
	l.expect("d ada-key two")
	l.subscribe("d?durable=bad/name")
	l.expectError("durable name")
}

// $audit tells each user of the changes that concern them, as they happen and from the past, and admins of all.
func TestAuditChannel(t *testing.T) {
	c := newCommunity(t, "ada", "bob", "eve")
	c.do("", "PATCH", "/users/eve", map[string]any{"role": "auditor"}, nil)
	event := func(l *line) (channel string, e view.AuditEvent) {
		t.Helper()
		heard := l.hear()
		channel, rest, _ := strings.Cut(heard, " ")
		_, payload, _ := strings.Cut(rest, " ")
		if err := json.Unmarshal([]byte(payload), &e); err != nil {
			t.Fatalf("heard %q: %v", heard, err)
		}
		return channel, e
	}
	bob, eve := c.dial("bob"), c.dial("eve")
	bob.subscribe("$audit")
	eve.subscribe("$audit?notify=1")
	if n := eve.notice(); !n.Live || n.Messages != 0 {
		t.Errorf("notice %+v", n)
	}
	bob.settled("sync")
	c.do("", "POST", "/users", map[string]any{"handle": "somebody"}, nil)
	id := c.share("ada", "d", "bob", "own")
	if _, e := event(eve); e.Op != "user.add" {
		t.Errorf("eve, an auditor, hears of %+v", e)
	}
	if _, e := event(eve); e.Op != "share.add" || e.By != "ada" || e.Hash == "" {
		t.Errorf("eve hears of %+v", e)
	}
	channel, e := event(bob) // not of somebody
	if channel != "$audit" || e.Op != "share.add" || e.By != "ada" || e.Hash != "" || len(e.Changes) != 1 ||
		e.Changes[0].After["channel"] != "d" {
		t.Errorf("bob hears on %s of %+v", channel, e)
	}
	again := c.dial("bob")
	again.subscribe("$audit?from=%23" + strings.TrimPrefix(e.Position, "#") + "&positions=1&follow=0&notify=1")
	if channel, e := event(again); channel != fmt.Sprintf("$audit@%d.0", id) || e.Op != "share.add" {
		t.Errorf("from the past comes %s: %+v", channel, e)
	}
	if n := again.notice(); n.Live || n.Messages != 1 {
		t.Errorf("notice %+v", n)
	}
	again.subscribe("$audit?from=first&follow=0&notify=1")
	first := 0
	for {
		heard := again.hear()
		if strings.HasPrefix(heard, subscription.Replay) {
			break
		}
		if strings.Contains(heard, "secret-of") || strings.Contains(heard, "somebody") || strings.Contains(heard, "eve") {
			t.Errorf("bob hears %s", heard)
		}
		first++
	}
	if first != 3 { // bob, bob's authkey, the share
		t.Errorf("bob hears of %d changes since the beginning", first)
	}
	again.subscribe("$audit?durable=x")
	again.expectError("positions=1")
}
