package broker

import (
	"encoding/json"
	"testing"
	"time"

	"hpfriends/internal/golden"
	"hpfriends/query/view"
)

// What nodes ask each other about their connections.
func TestConnectionMessages(t *testing.T) {
	var all []byte
	for _, v := range []any{
		connectionsCall{ConnectionFilter: ConnectionFilter{User: 7, Authkey: 9, Limit: 100}},
		connectionsCall{Close: 3},
		connectionsAnswer{Closed: true},
		connectionsAnswer{Total: 5, Connections: []view.Connection{{
			Node: "n1", Number: 3, User: "ada", Authkey: "sensor", Remote: "192.0.2.1:4711", Since: time.Unix(1, 0).UTC(),
			BytesReceived: 1, BytesSent: 2, Published: 3, Received: 4, Subscriptions: []string{"c"}, More: 1,
		}}},
	} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, b...), '\n')
	}
	golden.Compare(t, "connections.ndjson", all)
}

// A node that is starting knows nothing of its connections, and does not say that it has none.
func TestStartingNodeIsSilentAboutConnections(t *testing.T) {
	if answer, err := NewCalls().Receive(t.Context(), "n2", []byte("c{}")); err == nil {
		t.Errorf("it says %s", answer)
	}
}

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
