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
	a, b := attendance{"a", 1, "c"}, attendance{"b", 2, "c"}
	tell := func(part presencePart) bool {
		t.Helper()
		req, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		body, err := p.Hear(t.Context(), "n2", req)
		var answer presenceAnswer
		if err = errors.Join(err, json.Unmarshal(body, &answer)); err != nil {
			t.Fatal(err)
		}
		return answer.Taken
	}
	there := func() map[attendance]int { return p.peers["n2"].there }
	for _, step := range []struct {
		part  presencePart
		taken bool
		want  map[attendance]int
	}{
		{presencePart{Epoch: "x", Seq: 1, Moves: []movesBy{{a, 1}}}, false, map[attendance]int{}}, // the first is all
		{presencePart{Epoch: "x", Seq: 2, All: true, Moves: []movesBy{{a, 2}}}, true, map[attendance]int{a: 2}},
		{presencePart{Epoch: "x", Seq: 3, Moves: []movesBy{{a, -1}, {b, 1}}}, true, map[attendance]int{a: 1, b: 1}},
		{presencePart{Epoch: "x", Seq: 3, Moves: []movesBy{{a, -1}}}, false, map[attendance]int{a: 1, b: 1}}, // again
		{presencePart{Epoch: "x", Seq: 5, Moves: []movesBy{{a, -1}}}, false, map[attendance]int{a: 1, b: 1}}, // one is missing
		{presencePart{Epoch: "y", Seq: 4, Moves: []movesBy{{a, -1}}}, false, map[attendance]int{a: 1, b: 1}}, // it was restarted
		{presencePart{Epoch: "y", Seq: 1, All: true, Moves: []movesBy{{b, 3}}}, true, map[attendance]int{b: 3}},
	} {
		if taken := tell(step.part); taken != step.taken || !maps.Equal(there(), step.want) {
			t.Fatalf("%+v: taken %v, there are %v, want %v and %v", step.part, taken, there(), step.taken, step.want)
		}
	}
}
