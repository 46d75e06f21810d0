package router

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"hpfriends/graph"
)

// The table finds whom a look at every subscription would find, each once, through any changes.
func TestTableFindsEverySubscriberOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "ab", "abc", "b", "*", "a*", "ab*", "abc*", "b*", strings.Repeat("x", 254) + "*"}
	channels := append([]string{"", "$a", "abcd", "c", strings.Repeat("x", 254), strings.Repeat("x", 255)}, names...)
	type filed struct {
		s *Subscriber
		p graph.Pattern
	}
	table, all := newTable(), []filed(nil)
	people := make([]*Subscriber, 12)
	for i := range people {
		people[i] = &Subscriber{user: graph.UserID(i % 4)}
	}
	for range 3000 {
		if i := random.IntN(len(all) + 10); i < len(all) {
			table.remove(all[i].s, all[i].p)
			all = append(all[:i], all[i+1:]...)
		} else {
			f := filed{people[random.IntN(len(people))], graph.Pattern(names[random.IntN(len(names))])}
			table.add(f.s, f.p)
			all = append(all, f)
		}
		channel, without := channels[random.IntN(len(channels))], graph.UserID(random.IntN(4))
		of := func(u graph.UserID) bool { return u != without }
		want := make(map[*Subscriber]bool)
		for _, f := range all {
			if f.p.Match(channel) && of(f.s.user) {
				want[f.s] = true
			}
		}
		got := make(map[*Subscriber]bool)
		table.matching(channel, of, func(s *Subscriber) {
			if got[s] || !want[s] {
				t.Fatalf("%q: found twice or in vain: %v", channel, got[s])
			}
			got[s] = true
		})
		if len(got) != len(want) {
			t.Fatalf("%q: %d subscribers, want %d", channel, len(got), len(want))
		}
	}
	for _, f := range all {
		table.remove(f.s, f.p)
	}
	if !table.empty() || len(table.patterns) != 0 || table.lengths != [maxChannel + 1]int{} {
		t.Errorf("something is left of subscriptions that ended: %+v", table)
	}
}

// What others have subscribed to costs a message of those who do not reach them nothing: each of them is looked at once
// for a pattern that matches, however many subscriptions and connections they have.
func TestSubscriptionsOfOthersCostNothing(t *testing.T) {
	table := newTable()
	for i := range 50 {
		s := &Subscriber{user: 2}
		table.add(s, "*")
		for n := range 100 {
			table.add(s, graph.Pattern(fmt.Sprintf("mallory%d*", n)))
		}
		if i < 3 {
			table.add(&Subscriber{user: 1}, "honest")
		}
	}
	asked, found := 0, 0
	table.matching("honest", func(u graph.UserID) bool { asked++; return u == 1 }, func(*Subscriber) { found++ })
	if asked != 2 || found != 3 {
		t.Errorf("%d users were looked at and %d subscribers found, want 2 and 3", asked, found)
	}
}
