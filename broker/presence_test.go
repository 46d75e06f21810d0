package broker

import (
	"encoding/json"
	"errors"
	"maps"
	"testing"

	"hpfriends/graph"
)

// A part that does not follow the one before is not taken, and all that comes instead changes what differs only.
func TestPresenceOfANodeIsCompleteOrAskedFor(t *testing.T) {
	p := NewPresence()
	p.begin(func() *graph.Graph { return graph.New() })
	a, b := attendee{"a", 1, "c"}, attendee{"b", 2, "c"}
	tell := func(part presenceUpdate) bool {
		t.Helper()
		req, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		body, err := p.Receive(t.Context(), "n2", req)
		var answer presenceAnswer
		if err = errors.Join(err, json.Unmarshal(body, &answer)); err != nil {
			t.Fatal(err)
		}
		return answer.Taken
	}
	there := func() map[attendee]int { return p.peers["n2"].there }
	for _, step := range []struct {
		part  presenceUpdate
		taken bool
		want  map[attendee]int
	}{
		{presenceUpdate{Epoch: "x", Seq: 1, Changes: []presenceChange{{a, 1}}}, false, map[attendee]int{}},
		{presenceUpdate{Epoch: "x", Seq: 2, All: true, Changes: []presenceChange{{a, 2}}}, true, map[attendee]int{a: 2}},
		{presenceUpdate{Epoch: "x", Seq: 3, Changes: []presenceChange{{a, -1}, {b, 1}}}, true, map[attendee]int{a: 1, b: 1}},
		{presenceUpdate{Epoch: "x", Seq: 3, Changes: []presenceChange{{a, -1}}}, false, map[attendee]int{a: 1, b: 1}},
		{presenceUpdate{Epoch: "x", Seq: 5, Changes: []presenceChange{{a, -1}}}, false, map[attendee]int{a: 1, b: 1}},
		{presenceUpdate{Epoch: "y", Seq: 4, Changes: []presenceChange{{a, -1}}}, false, map[attendee]int{a: 1, b: 1}},
		{presenceUpdate{Epoch: "y", Seq: 1, All: true, Changes: []presenceChange{{b, 3}}}, true, map[attendee]int{b: 3}},
	} {
		if taken := tell(step.part); taken != step.taken || !maps.Equal(there(), step.want) {
			t.Fatalf("%+v: taken %v, there are %v, want %v and %v", step.part, taken, there(), step.taken, step.want)
		}
	}
}
