package apply

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
)

// A record that is damaged is refused with what is wrong with it: its key, or its value.
func TestDamagedActivityIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		space      eventlog.Space
		key, value string
		want       string
	}{
		"a short key of statistics": {eventlog.SpaceStats, "1234", "{}", "key of 4 bytes"},
		"no statistics":             {eventlog.SpaceStats, "12345678", "[", "unexpected end"},
		"a short key of a refusal":  {eventlog.SpaceLogs, "12345678", "{}", "key of 8 bytes"},
		"no refusal":                {eventlog.SpaceLogs, "123456781234567812345678", "[", "unexpected end"},
	} {
		r := newReplica(t)
		if err := r.log.LogStore().StoreLogs([]*raft.Log{{Index: 1, Term: 1, Type: raft.LogNoop}}); err != nil {
			t.Fatal(err)
		}
		tx := r.log.Begin()
		tx.Put(c.space, []byte(c.key), []byte(c.value))
		if err := tx.Commit(1); err != nil {
			t.Fatal(err)
		}
		_, err := New(r.log, slog.New(slog.DiscardHandler), func(error) {})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "%!w") {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}
