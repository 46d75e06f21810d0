package query

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

// VerifyAudit rebuilds the graph from the first event, and checks on the way that the events are those that were
// written, in their order and without a gap up to the newest one; that each stored graph is the graph of its index;
// and, as far as retention has left the log, that each event is the change in the log, and that no change in the log is
// missing.
//
// It returns an *eventlog.AuditError for the first event that is wrong. It may run beside a node, or on a log that no
// node has open. progress, if not nil, is called now and then with the number of events done and in all.
func VerifyAudit(ctx context.Context, log *eventlog.Log, progress func(done, total uint64)) (view.AuditSummary, error) {
	v := verification{log: log, ctx: ctx, progress: progress, State: past.State{Graph: graph.New()}}
	var err error
	// The stored graphs first: their changes are not newer than the newest one, read later.
	if v.stored, err = log.StoredGraphs().List(); err == nil {
		v.newest, err = log.Audit().Newest()
	}
	if err != nil {
		return v.summary(), err
	}
	if err = v.events(); err == nil {
		err = v.end()
	}
	return v.summary(), err
}

// verification is one run of VerifyAudit.
type verification struct {
	past.State
	view.AuditSummary
	log      *eventlog.Log
	ctx      context.Context
	progress func(done, total uint64)
	stored   []eventlog.StoredGraph // that were not passed yet
	newest   eventlog.AuditMark
}

func (v *verification) summary() view.AuditSummary {
	s := v.AuditSummary
	s.Events, s.Position, s.Hash = v.Mark.Number, "#"+formatIndex(v.Mark.Index), hex.EncodeToString(v.Mark.Hash[:])
	return s
}

// AuditFault is the first audit event that is not as it was written.
type AuditFault = eventlog.AuditError

func wrong(index uint64, kind, format string, args ...any) error {
	return &eventlog.AuditError{Index: index, Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// events checks the events in portions, each with the changes of the log up to its end.
func (v *verification) events() error {
	for from := uint64(1); from != 0; {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		var records []eventlog.AuditRecord
		next, err := v.log.Audit().Scan(from, past.Portion, func(r eventlog.AuditRecord) error {
			records = append(records, r)
			return nil
		})
		var damaged *eventlog.AuditError
		if err != nil && !errors.As(err, &damaged) {
			return err
		}
		for _, r := range records {
			if r.Index > v.newest.Index {
				return v.beyond(r)
			}
			if err := v.event(r); err != nil {
				return err
			}
		}
		if err != nil {
			return err // of a record behind these
		}
		if v.progress != nil {
			v.progress(v.Mark.Number, max(v.newest.Number, v.Mark.Number))
		}
		from = next
	}
	return nil
}

// beyond is about an event behind the newest one: it came while we were reading, or was put there.
func (v *verification) beyond(r eventlog.AuditRecord) error {
	if newest, err := v.log.Audit().Newest(); err != nil || newest.Index >= r.Index {
		return err
	}
	return wrong(r.Index, eventlog.Extra, "it is behind the newest event, #%d", v.newest.Index)
}

// event checks one event and walks on to it.
func (v *verification) event(r eventlog.AuditRecord) error {
	if err := v.Mark.Check(r); err != nil {
		return v.explained(r, err)
	}
	if err := v.inLog(r); err != nil {
		return err
	}
	g, command, err := v.Graph.Replay(r.Index, r.Command)
	if err != nil {
		return wrong(r.Index, eventlog.Altered, "%v", err)
	}
	if want := v.Mark.Next(r.Index, command.Time, r.Command); want.Time != r.Time {
		return wrong(r.Index, eventlog.Altered, "its time is %s, want %s", r.When(), want.When())
	}
	v.State, v.Time = past.State{Mark: r.AuditMark, Graph: g}, past.Stamp(command)
	return v.storedGraphs(r.Index)
}

// explained says more about an event that does not follow: whether the one that should be there stands elsewhere, and
// what the log holds there, if it still does.
func (v *verification) explained(r eventlog.AuditRecord, err error) error {
	if r.Number > v.Mark.Number+1 {
		var moved error
		_, scan := v.log.Audit().Scan(r.Index+1, math.MaxInt, func(other eventlog.AuditRecord) error {
			if other.Number == v.Mark.Number+1 {
				moved = wrong(r.Index, eventlog.Reordered, "event number %d stands there, and number %d behind it at #%d",
					r.Number, other.Number, other.Index)
				return moved
			}
			return v.ctx.Err()
		})
		if moved != nil {
			return moved
		}
		if v.ctx.Err() != nil {
			return scan
		}
	}
	e, logErr := v.log.Entry(r.Index)
	if logErr != nil || e.Kind == entry.KindChange {
		return err
	}
	return wrong(r.Index, eventlog.Extra, "the entry there is no change of the graph (%v)", err)
}

// inLog compares an event with the log: the changes since the event before it were refused, and this one is its entry.
func (v *verification) inLog(r eventlog.AuditRecord) error {
	if r.Index < v.log.Floor() {
		return nil
	}
	if err := v.refusals(v.Mark.Index+1, r.Index-1); err != nil {
		return err
	}
	e, err := v.log.Entry(r.Index)
	switch {
	case errors.Is(err, eventlog.ErrBelowFloor):
		return nil // retention went on meanwhile
	case errors.Is(err, eventlog.ErrNotFound):
		return wrong(r.Index, eventlog.Extra, "the log has not come there")
	case err != nil:
		return err
	case e.Kind != entry.KindChange:
		return wrong(r.Index, eventlog.Extra, "the entry there is no change of the graph")
	case !bytes.Equal(e.Data[1:], r.Command):
		return wrong(r.Index, eventlog.Altered, "it is not the change that the log holds there")
	}
	v.Compared++
	return nil
}

// refusals checks that the changes in a part of the log without events are refused by the graph there.
func (v *verification) refusals(from, to uint64) error {
	return v.log.ScanChanges(from, to, func(e eventlog.Entry) error {
		if _, _, err := v.Graph.Replay(e.Index, e.Data[1:]); err == nil {
			return wrong(e.Index, eventlog.Missing, "the log holds an accepted change there")
		}
		v.Refused++
		return nil
	})
}

// storedGraphs compares the stored graphs up to index.
func (v *verification) storedGraphs(index uint64) error {
	for len(v.stored) > 0 && v.stored[0].Index <= index {
		s := v.stored[0]
		v.stored = v.stored[1:]
		if s.AuditMark != v.Mark {
			return wrong(s.Index, eventlog.Altered, "the stored graph there is of another event")
		}
		data, err := v.log.StoredGraphs().Data(s)
		if errors.Is(err, eventlog.ErrNotFound) {
			now, listed := v.log.StoredGraphs().List()
			if listed != nil || !contains(now, s.Index) {
				if listed != nil {
					return listed
				}
				continue // it was not kept any longer
			}
		}
		if err != nil {
			return err
		}
		want, err := v.Graph.MarshalBinary()
		if err != nil {
			return err
		}
		if !bytes.Equal(data, want) {
			return wrong(s.Index, eventlog.Altered, "the stored graph there is not the one that the events make")
		}
		v.StoredGraphs++
	}
	return nil
}

func contains(all []eventlog.StoredGraph, index uint64) bool {
	for _, s := range all {
		if s.Index == index {
			return true
		}
	}
	return false
}

// end checks that the newest event is the one that was noted, and what the log holds behind it.
func (v *verification) end() error {
	switch {
	case v.Mark.Index < v.newest.Index:
		return wrong(v.newest.Index, eventlog.Missing, "it was the newest, number %d; the events end at #%d, number %d",
			v.newest.Number, v.Mark.Index, v.Mark.Number)
	case v.Mark != v.newest:
		return wrong(v.Mark.Index, eventlog.Altered, "it is not as it was noted when it was the newest")
	case len(v.stored) > 0:
		return wrong(v.stored[0].Index, eventlog.Missing, "a graph is stored there, and the events end at #%d", v.Mark.Index)
	}
	// Applied first: an event is written with it, so if there is none by then, no change up to there was accepted.
	applied := v.log.Applied()
	now, err := v.log.Audit().Newest()
	if err != nil || now != v.newest {
		return err
	}
	return v.refusals(v.Mark.Index+1, applied)
}

// VerifyAudit verifies the audit of this node for those who may see everything. One at a time: it reads it all.
func (q *audits) VerifyAudit(
	ctx context.Context, viewer graph.Actor, progress func(done, total uint64),
) (view.AuditSummary, error) {
	if !q.Viewer(viewer).CanSeeAll() {
		return view.AuditSummary{}, refuse(graph.Denied, "ask one of them", "only auditors and admins may verify the audit")
	}
	if !q.verifying.TryLock() {
		return view.AuditSummary{}, refuse(graph.Conflict, "try again when that is done",
			"the audit is being verified already")
	}
	defer q.verifying.Unlock()
	return VerifyAudit(ctx, q.log, progress)
}
