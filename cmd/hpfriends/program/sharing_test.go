package program

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/wire"
)

// community is a server with some users, one authkey each, and their connections.
type community struct {
	*proc.Server
	t    *testing.T
	keys map[string]load.Key
}

func newCommunity(t *testing.T, users ...string) *community {
	t.Helper()
	return newCommunityIn(t, t.TempDir(), users...)
}

func newCommunityIn(t *testing.T, dir string, users ...string) *community {
	t.Helper()
	c := &community{Server: startTestProcess(t, dir), t: t, keys: make(map[string]load.Key)}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, u := range users {
		c.keys[u] = load.Key{Ident: u + "-key", Secret: "secret-of-" + u}
		c.do("", "POST", "/users", map[string]any{"handle": u}, nil)
		c.do(u, "POST", "/authkeys", map[string]any{"ident": c.keys[u].Ident, "secret": c.keys[u].Secret,
			"pub": []string{"*"}, "sub": []string{"*", "$audit"}}, nil)
	}
	return c
}

func (c *community) do(as, method, path string, in, out any) {
	c.t.Helper()
	if err := c.Call(c.t.Context(), method, "/api/v1"+path, as, in, out); err != nil {
		c.t.Fatal(err)
	}
}

func (c *community) share(from, channel, to, typ string) uint64 {
	c.t.Helper()
	var made struct {
		ID uint64 `json:"id"`
	}
	c.do(from, "POST", "/shares", map[string]any{"channel": channel, "to": to, "type": typ}, &made)
	return made.ID
}

func (c *community) decide(as string, share uint64, what string) {
	c.t.Helper()
	c.do(as, "POST", fmt.Sprintf("/shares/%d/%s", share, what), struct{}{}, nil)
}

// flows is what `explain` answers, and all it says.
func (c *community) flows(from, to, channel string) (bool, string) {
	c.t.Helper()
	var out, errs bytes.Buffer
	code := run(c.t.Context(), []string{"hpfriends", "explain", "--data-dir", c.Dir, "--from", from, "--to", to,
		"--channel", channel}, &out, &errs)
	if code != 0 && code != cmdline.ExitDenied {
		c.t.Fatalf("explain: exit %d: %s", code, errs.String())
	}
	return code == 0, out.String()
}

func (c *community) connect(user string) net.Conn {
	c.t.Helper()
	conn, err := load.Login(c.t.Context(), c.Address, c.keys[user])
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	return conn
}

// inbox is a subscriber of everything that reads all the time.
type inbox struct {
	got    atomic.Int64
	last   atomic.Int64 // of the newest message, unix ns
	closed chan struct{}
	text   atomic.Value // of the last ERROR
}

func (c *community) listen(user string) *inbox {
	c.t.Helper()
	conn := c.connect(user)
	if _, err := conn.Write(wire.AppendSubscribe(nil, c.keys[user].Ident, "*")); err != nil {
		c.t.Fatal(err)
	}
	in := &inbox{closed: make(chan struct{})}
	go func() {
		defer close(in.closed)
		var n atomic.Int64
		_ = load.CountFrames(conn, &n, func(f []byte) {
			if f[4] == wire.OpError {
				in.text.Store(string(f[wire.HeaderLen:]))
				return
			}
			in.last.Store(time.Now().UnixNano())
			in.got.Add(1)
		})
	}()
	return in
}

// publish publishes on channel every 5 ms until stop is called.
func (c *community) publish(user, channel string) (stop func()) {
	conn := c.connect(user)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
				if _, err := conn.Write(wire.AppendPublish(nil, c.keys[user].Ident, channel,
					fmt.Appendf(nil, "%d", n))); err != nil {
					return
				}
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

func (in *inbox) mustFlow(t *testing.T, who string) {
	t.Helper()
	before := in.got.Load()
	deadline := time.Now().Add(5 * time.Second)
	for in.got.Load() < before+3 {
		if time.Now().After(deadline) {
			t.Fatalf("%s receives nothing", who)
		}
		time.Sleep(time.Millisecond)
	}
}

// mustStop: from a second after began on, nothing arrives.
func (in *inbox) mustStop(t *testing.T, who string, began time.Time) {
	t.Helper()
	time.Sleep(time.Until(began.Add(time.Second)))
	after := in.got.Load()
	time.Sleep(300 * time.Millisecond)
	if got := in.got.Load(); got != after {
		t.Errorf("%s received %d messages more than a second after", who, got-after)
	}
	t.Logf("%s received the last message %v after", who, time.Unix(0, in.last.Load()).Sub(began))
}

func TestSharesDecideWhoReceives(t *testing.T) {
	c := newCommunity(t, "ada", "bob", "cleo")
	defer c.publish("ada", "dionaea.capture")()
	bob, cleo := c.listen("bob"), c.listen("cleo")
	explain := func(to string, want bool, says string) {
		t.Helper()
		if got, text := c.flows("ada", to, "dionaea.capture"); got != want || !strings.Contains(text, says) {
			t.Errorf("explain says %v for %s, want %v and %q in:\n%s", got, to, want, says, text)
		}
	}
	explain("bob", false, "no share leads from ada to bob")
	first := c.share("ada", "dionaea.capture", "bob", "own")
	explain("bob", false, "bob has not enabled it")
	time.Sleep(300 * time.Millisecond)
	if n := bob.got.Load(); n != 0 {
		t.Fatalf("bob received %d messages before enabling the share", n)
	}
	c.decide("bob", first, "accept")
	bob.mustFlow(t, "bob, who enabled the share,")
	explain("bob", true, "reaches bob")

	own := c.share("bob", "dionaea.capture", "cleo", "own")
	c.decide("cleo", own, "accept")
	time.Sleep(300 * time.Millisecond)
	if n := cleo.got.Load(); n != 0 {
		t.Fatalf("cleo received %d messages through a share of type own", n)
	}
	explain("cleo", false, "own")
	c.do("bob", "DELETE", fmt.Sprintf("/shares/%d", own), nil, nil)
	all := c.share("bob", "dionaea.*", "cleo", "all")
	c.decide("cleo", all, "accept")
	cleo.mustFlow(t, "cleo, through bob's share of type all,")
	explain("cleo", true, "reaches cleo")

	began := time.Now()
	c.decide("bob", first, "disable")
	bob.mustStop(t, "bob", began)
	cleo.mustStop(t, "cleo", began)
	explain("bob", false, "bob has not enabled it")
	explain("cleo", false, "bob has not enabled it")
}

// What is taken away takes effect on open connections within a second.
func TestRevocationReachesOpenConnections(t *testing.T) {
	for name, revoke := range map[string]struct {
		do     func(c *community)
		closes bool // the connection, not only the flow
	}{
		"authkey disabled": {func(c *community) {
			c.do("bob", "PATCH", "/authkeys/bob-key", map[string]any{"enabled": false},
				nil)
		}, true},
		"authkey removed": {func(c *community) { c.do("bob", "DELETE", "/authkeys/bob-key", nil, nil) }, true},
		"user disabled": {func(c *community) { c.do("", "PATCH", "/users/bob", map[string]any{"enabled": false}, nil) },
			true},
		"user removed": {func(c *community) { c.do("", "DELETE", "/users/bob", nil, nil) }, true},
		"subscribing withdrawn": {func(c *community) {
			c.do("bob", "PATCH", "/authkeys/bob-key", map[string]any{"sub": []string{"other"}}, nil)
		}, false},
		"publisher disabled": {func(c *community) { c.do("", "PATCH", "/users/ada", map[string]any{"enabled": false}, nil) },
			false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCommunity(t, "ada", "bob")
			defer c.publish("ada", "c")()
			c.decide("bob", c.share("ada", "c", "bob", "own"), "accept")
			bob := c.listen("bob")
			bob.mustFlow(t, "bob")
			began := time.Now()
			revoke.do(c)
			bob.mustStop(t, "bob", began)
			closed := false
			select {
			case <-bob.closed:
				closed = true
			default:
			}
			if closed != revoke.closes {
				t.Errorf("connection closed: %v, want %v", closed, revoke.closes)
			}
			if text, _ := bob.text.Load().(string); closed && text == "" {
				t.Error("the connection was closed without saying why")
			}
		})
	}
}

func TestStatisticsAndLogsSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	p := startTestProcess(t, dir)
	c := &community{Server: p, t: t, keys: map[string]load.Key{"ada": {Ident: "ada-key", Secret: "secret-of-ada"}}}
	c.do("", "POST", "/users", map[string]any{"handle": "ada"}, nil)
	c.do("ada", "POST", "/authkeys", map[string]any{"ident": "ada-key", "secret": "secret-of-ada", "pub": []string{"c"},
		"sub": []string{"c"}}, nil)
	conn := c.connect("ada")
	frames := wire.AppendSubscribe(nil, "ada-key", "c")
	for range 10 {
		frames = wire.AppendPublish(frames, "ada-key", "c", []byte("x"))
	}
	frames = wire.AppendPublish(frames, "ada-key", "forbidden", []byte("x"))
	if _, err := conn.Write(frames); err != nil {
		t.Fatal(err)
	}
	for got, refused := 0, false; got < 10 || !refused; {
		f, err := readFrame(conn)
		if err != nil {
			t.Fatal(err)
		}
		if f[4] == wire.OpError {
			refused = true
		} else {
			got++
		}
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	p = startTestProcess(t, dir)
	defer func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}()
	c.Server = p
	var keys []struct {
		Stats struct {
			Published     int `json:"published"`
			Received      int `json:"received"`
			BytesReceived int `json:"bytes_received"`
		} `json:"stats"`
	}
	c.do("ada", "GET", "/authkeys", nil, &keys)
	if len(keys) != 1 || keys[0].Stats.Published != 10 || keys[0].Stats.Received != 10 ||
		keys[0].Stats.BytesReceived < len(frames) {
		t.Errorf("statistics after a restart: %+v", keys)
	}
	var rows []struct{ Message, Channel, Identifier string }
	c.do("ada", "GET", "/logs", nil, &rows)
	if len(rows) != 1 || rows[0].Message != "Authkey not allowed to publish here." || rows[0].Channel != "forbidden" {
		t.Errorf("logs after a restart: %+v", rows)
	}
}

// A connection may log in again as another authkey of the same owner; each is counted for what it did itself.
func TestSecondLoginCountsForItsOwnAuthkey(t *testing.T) {
	c := newCommunity(t, "ada", "bob")
	c.do("ada", "POST", "/authkeys", map[string]any{"ident": "second", "secret": "s2-of-ada", "pub": []string{"*"},
		"sub": []string{"*"}}, nil)
	conn, nonce := c.greeted()
	defer conn.Close()
	big := bytes.Repeat([]byte("x"), 100_000)
	frames := wire.AppendAuth(nil, "ada-key", wire.Digest(nonce, []byte("secret-of-ada")))
	frames = wire.AppendPublish(frames, "ada-key", "c", big)
	frames = wire.AppendAuth(frames, "second", wire.Digest(nonce, []byte("s2-of-ada")))
	frames = wire.AppendSubscribe(frames, "second", "c")
	frames = wire.AppendPublish(frames, "second", "c", []byte("small"))
	if _, err := conn.Write(frames); err != nil {
		t.Fatal(err)
	}
	for last := ""; last != "small"; { // the first message may arrive too: it is routed after the subscription
		f, err := readFrame(conn)
		if err != nil {
			t.Fatal(err)
		}
		last = payloadOf(f)
	}
	stats := func(ident string) (received, published int) {
		var k struct {
			Stats struct {
				BytesReceived int `json:"bytes_received"`
				Published     int `json:"published"`
			} `json:"stats"`
		}
		c.do("ada", "GET", "/authkeys/"+ident, nil, &k)
		return k.Stats.BytesReceived, k.Stats.Published
	}
	if received, published := stats("second"); received >= len(big) || published != 1 {
		t.Errorf("the second authkey counts %d bytes and %d messages, which are the first one's", received, published)
	}
	if received, published := stats("ada-key"); received < len(big) || published != 1 {
		t.Errorf("the first authkey counts %d bytes and %d messages", received, published)
	}

	conn, nonce = c.greeted()
	defer conn.Close()
	frames = wire.AppendAuth(nil, "ada-key", wire.Digest(nonce, []byte("secret-of-ada")))
	if _, err := conn.Write(wire.AppendAuth(frames, "bob-key", wire.Digest(nonce, []byte("secret-of-bob")))); err != nil {
		t.Fatal(err)
	}
	if f, err := readFrame(conn); err != nil || f[4] != wire.OpError {
		t.Errorf("a second login as another owner: %q (%v), want an ERROR", f, err)
	}
}

// greeted is a connection that has read INFO, and its nonce.
func (c *community) greeted() (net.Conn, []byte) {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.Address)
	if err != nil {
		c.t.Fatal(err)
	}
	info, err := readFrame(conn)
	if err != nil {
		c.t.Fatal(err)
	}
	_, nonce, err := wire.ParseInfo(info)
	if err != nil {
		c.t.Fatal(err)
	}
	return conn, bytes.Clone(nonce)
}
