package program

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// replayRights are stories: who does what, and who may replay which messages after it. Each has a channel and a group
// of its own; ada is the group's admin.
var replayRights = map[string]string{
	"origins replay their own": `
		ada publishes 1 2
		ada replays 1 2
		bob replays nothing`,
	"from-share: from its creation, also what came before it was enabled": `
		ada publishes 1
		ada shares s with bob
		ada publishes 2
		bob replays nothing
		bob accepts s
		ada publishes 3
		bob replays 2 3`,
	"full: from the beginning": `
		ada publishes 1
		ada shares s full with bob
		ada publishes 2
		bob replays nothing
		bob accepts s
		bob replays 1 2`,
	"disabling ends it, enabling brings all of it back": `
		ada shares s with bob
		bob accepts s
		ada publishes 1
		bob disables s
		ada publishes 2
		bob replays nothing
		bob accepts s
		bob replays 1 2`,
	"removing ends it, and sharing again begins anew": `
		ada shares s with bob
		bob accepts s
		ada publishes 1
		ada removes s
		ada publishes 2
		bob replays nothing
		ada shares t with bob
		bob accepts t
		ada publishes 3
		bob replays 3`,
	"removing and sharing again in full brings everything": `
		ada shares s with bob
		bob accepts s
		ada publishes 1
		ada removes s
		ada publishes 2
		ada shares t full with bob
		bob accepts t
		bob replays 1 2`,
	"a group: from the later of creation and joining": `
		ada publishes 1
		ada adds bob
		ada shares s with group
		ada publishes 2
		ada adds cleo
		ada publishes 3
		bob accepts s
		cleo accepts s
		bob replays 2 3
		cleo replays 3`,
	"a group in full: from the beginning, whenever one joins": `
		ada publishes 1
		ada shares s full with group
		ada publishes 2
		ada adds cleo
		cleo accepts s
		ada publishes 3
		cleo replays 1 2 3`,
	"leaving ends it, joining again begins anew and needs enabling": `
		ada adds bob
		ada shares s with group
		bob accepts s
		ada publishes 1
		bob leaves
		ada publishes 2
		bob replays nothing
		ada adds bob
		bob replays nothing
		bob accepts s
		ada publishes 3
		bob replays 3`,
	"a path is visible from the latest start of its edges": `
		ada publishes 1
		ada shares s full with bob
		bob accepts s
		ada publishes 2
		bob shares t all with cleo
		cleo accepts t
		ada publishes 3
		bob replays 1 2 3
		cleo replays 3`,
	"a chain of full shares reaches back to the beginning": `
		ada publishes 1
		ada shares s full with bob
		bob shares t full all with cleo
		cleo accepts t
		cleo replays nothing
		bob accepts s
		cleo replays 1`,
	"own shares pass on nobody else's": `
		ada shares s full with bob
		bob accepts s
		bob shares t full with cleo
		cleo accepts t
		ada publishes 1
		bob publishes 2
		cleo replays 2`,
	"of several paths the earliest counts": `
		ada shares s with bob
		bob accepts s
		bob shares t all with cleo
		cleo accepts t
		ada publishes 1
		ada shares u with cleo
		cleo accepts u
		ada publishes 2
		cleo replays 1 2
		bob removes t
		cleo replays 2`,
}

// storyTeller plays a story on a channel of its own.
type storyTeller struct {
	*community
	t       *testing.T
	channel string
	group   string
	shares  map[string]uint64
	sent    map[string]net.Conn // connections that publish, by user
	counts  map[string]int
}

func TestReplayRightsFollowTheGraph(t *testing.T) {
	c := newCommunity(t, "ada", "bob", "cleo")
	number := 0
	for _, name := range slices.Sorted(maps.Keys(replayRights)) {
		number++
		t.Run(name, func(t *testing.T) {
			s := &storyTeller{
				community: &community{Server: c.Server, t: t, keys: c.keys}, t: t, channel: fmt.Sprintf("story.%d", number),
				group:  fmt.Sprintf("circle%d", number),
				shares: make(map[string]uint64), sent: make(map[string]net.Conn), counts: make(map[string]int),
			}
			c.do("ada", "POST", "/groups", map[string]any{"name": s.group}, nil)
			for line := range strings.Lines(strings.TrimSpace(replayRights[name])) {
				s.play(strings.Fields(line))
			}
		})
	}
}

func (s *storyTeller) play(words []string) {
	s.t.Helper()
	who, verb, rest := words[0], words[1], words[2:]
	switch verb {
	case "publishes":
		for _, payload := range rest {
			s.publishOne(who, payload)
		}
	case "replays":
		if got := s.replay(who); got != strings.Join(rest, " ") {
			s.t.Errorf("%q, but got %q", strings.Join(words, " "), got)
		}
	case "shares":
		to := rest[len(rest)-1]
		if to == "group" {
			to = "group:" + s.group
		}
		in := map[string]any{"channel": s.channel, "to": to, "type": "own"}
		if slices.Contains(rest, "full") {
			in["history"] = "full"
		}
		if slices.Contains(rest, "all") {
			in["type"] = "all"
		}
		var made struct {
			ID uint64 `json:"id"`
		}
		s.do(who, "POST", "/shares", in, &made)
		s.shares[rest[0]] = made.ID
	case "accepts":
		s.decide(who, s.shares[rest[0]], "accept")
	case "disables":
		s.decide(who, s.shares[rest[0]], "disable")
	case "removes":
		s.do(who, "DELETE", fmt.Sprintf("/shares/%d", s.shares[rest[0]]), nil, nil)
	case "adds":
		s.do(who, "POST", "/groups/"+s.group+"/members", map[string]any{"user": rest[0]}, nil)
	case "leaves":
		s.do(who, "DELETE", "/groups/"+s.group+"/members/"+who, nil, nil)
	default:
		s.t.Fatalf("nobody knows how to %q", verb)
	}
}

// publishOne publishes and waits until it is in the log.
func (s *storyTeller) publishOne(who, payload string) {
	s.t.Helper()
	c := s.sent[who]
	if c == nil {
		c = s.connect(who)
		s.sent[who] = c
		if _, err := c.Write(wire.AppendSubscribe(nil, s.keys[who].Ident, subscription.Acks)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.counts[who]++
	if _, err := c.Write(wire.AppendPublish(nil, s.keys[who].Ident, s.channel, []byte(payload))); err != nil {
		s.t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		f, err := readFrame(c)
		if err != nil {
			s.t.Fatal(err)
		}
		if payloadOf(f) == strconv.Itoa(s.counts[who]) {
			return
		}
	}
}

// replay is what who gets of the whole history, in order.
func (s *storyTeller) replay(who string) string {
	s.t.Helper()
	c := s.connect(who)
	defer c.Close()
	if _, err := c.Write(wire.AppendSubscribe(nil, s.keys[who].Ident,
		s.channel+"?from=first&follow=0&notify=1")); err != nil {
		s.t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	var got []string
	for {
		f, err := readFrame(c)
		if err != nil || f[4] == wire.OpError {
			s.t.Fatalf("%q, %v", f, err)
		}
		if bytes.Contains(f, []byte(subscription.Replay)) {
			break
		}
		got = append(got, payloadOf(f))
	}
	if len(got) == 0 {
		return "nothing"
	}
	return strings.Join(got, " ")
}
