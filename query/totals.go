package query

import "hpfriends/graph"

// Totals sums the statistics of all authkeys that the viewer may see.
type Totals struct {
	Authkeys int `json:"authkeys"`
	Stats
}

// Totals adds up.
func (q *Query) Totals(viewer graph.Actor) (Totals, error) {
	keys, err := q.Authkeys(viewer, 0)
	t := Totals{Authkeys: len(keys)}
	for _, k := range keys {
		s := k.Stats
		t.BytesReceived += s.BytesReceived
		t.BytesSent += s.BytesSent
		t.Published += s.Published
		t.Received += s.Received
		if s.LastSeen != nil && (t.LastSeen == nil || s.LastSeen.After(*t.LastSeen)) {
			t.LastSeen, t.LastAddr = s.LastSeen, s.LastAddr
		}
	}
	return t, err
}
