package apply

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// EncodeChange returns the entry of a command.
func EncodeChange(c graph.Command) ([]byte, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("apply: encode change: %w", err)
	}
	return append([]byte{byte(entry.KindChange)}, body...), nil
}

// Refuses returns the refusal of the data of a change by the newest graph; nil for other data. It may be called at any
// time.
func (f *FSM) Refuses(data []byte) error {
	var c graph.Command
	if data[0] != byte(entry.KindChange) || json.Unmarshal(data[1:], &c) != nil {
		return nil
	}
	v := f.version.Load()
	_, _, err := v.Graph.Apply(v.Index+1, c)
	return err
}

// ByAdmin reports whether data is a change that an admin or the operator asks for, by the newest graph.
func (f *FSM) ByAdmin(data []byte) bool {
	var c graph.Command
	if len(data) == 0 || data[0] != byte(entry.KindChange) || json.Unmarshal(data[1:], &c) != nil {
		return false
	}
	u, ok := f.version.Load().Graph.User(c.By.User)
	return c.By.Operator || ok && u.Enabled && u.Role == graph.Admin
}

// applyChange decides a change. A refusal is the response; success adds a version, which readers meet in the log.
func (f *FSM) applyChange(tx *eventlog.Tx, l *raft.Log) (any, error) {
	body := l.Data[1:]
	var c graph.Command
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, fmt.Errorf("decode change, perhaps of a newer program: %w", err)
	}
	f.noteLevel(tx, levelOf(c.Op))
	newest := f.version.Load()
	g, outcome, err := newest.Graph.Apply(l.Index, c)
	if err != nil {
		return ChangeResult{Err: err}, nil
	}
	event := f.audit.Next(l.Index, c.Time, body)
	f.audit = event.AuditMark
	tx.PutAudit(event)
	f.version.Store(newest.Append(g, l.Index, c.Op))
	f.cursors.follow(l.Index, newest.Graph, g)
	return ChangeResult{Outcome: outcome}, nil
}

// Graph reads the graph as of the applied entry from a log that no FSM uses, and changes nothing.
func Graph(log *eventlog.Log) (*graph.Graph, error) {
	g, _, err := (&FSM{log: log, slog: slog.New(slog.DiscardHandler)}).loadGraph(log.Applied())
	return g, err
}

// loadGraph rebuilds the graph as of the applied entry from the newest stored graph and the audit events after it, and
// checks the chain on the way.
func (f *FSM) loadGraph(applied uint64) (*graph.Graph, eventlog.AuditMark, error) {
	newest, err := f.log.Audit().Newest()
	if err != nil {
		return nil, newest, err
	}
	g, mark, err := loadStoredGraph(f.log, applied)
	for from := mark.Index + 1; err == nil && from != 0; {
		from, err = f.log.Audit().Scan(from, 1024, func(r eventlog.AuditRecord) error {
			if err := mark.Check(r); err != nil {
				return err
			}
			var c graph.Command
			if g, c, err = g.Replay(r.Index, r.Command); c.Raised {
				f.slog.Warn("a max_message of an authkey is less than any frame has: it counts as the least", "change", r.Index,
					"max_message", graph.MinMessageLimit)
			}
			mark = r.AuditMark
			return err
		})
	}
	if err == nil && mark != newest {
		err = &eventlog.AuditError{Index: newest.Index, Kind: eventlog.Missing,
			Reason: fmt.Sprintf("it was the newest, and the events end at #%d", mark.Index)}
	}
	if err != nil {
		return nil, mark, fmt.Errorf("apply: %w", err)
	}
	return g, mark, nil
}

// loadStoredGraph returns the newest stored graph up to an entry, or the one that everything begins with.
func loadStoredGraph(log *eventlog.Log, applied uint64) (*graph.Graph, eventlog.AuditMark, error) {
	s, data, ok, err := log.StoredGraphs().Newest(applied)
	if err != nil || !ok {
		return graph.New(), eventlog.AuditMark{}, err
	}
	g := new(graph.Graph)
	if err := g.UnmarshalBinary(data); err != nil {
		return nil, s.AuditMark, fmt.Errorf("stored graph #%d: %w", s.Index, err)
	}
	return g, s.AuditMark, nil
}
