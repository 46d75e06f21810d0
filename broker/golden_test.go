package broker

import (
	"encoding/json"
	"testing"

	"hpfriends/internal/golden"
)

// What nodes tell each other of presence: nodes of two versions understand each other.
func TestPresenceMessages(t *testing.T) {
	a := attendee{Ident: "sensor", User: 7, Channel: "dionaea.*"}
	var all []byte
	for _, v := range []any{
		presenceUpdate{Epoch: "e", Seq: 2, Changes: []presenceChange{{a, 1}, {a, -1}}},
		presenceUpdate{Epoch: "e", Seq: 3, All: true},
		presenceAnswer{Taken: true},
	} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, b...), '\n')
	}
	golden.Compare(t, "presence.ndjson", all)
}
