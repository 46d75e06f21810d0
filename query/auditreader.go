package query

import (
	"hpfriends/graph"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

// AuditReader follows the audit: it holds the graph as of the newest event that it has read, and walks on, so reading
// costs what has happened since. It belongs to one goroutine.
type AuditReader struct {
	query  *audits
	viewer graph.Actor
	at     past.State
}

// AuditReader returns a reader whose first event is the first behind the log index after. What the viewer may see is
// asked anew for every read, by the rights they then have.
func (q *audits) AuditReader(viewer graph.Actor, after uint64) (*AuditReader, error) {
	at, err := q.history.At(after)
	return &AuditReader{q, viewer, at}, err
}

// Read returns the events that the viewer may see among the next limit ones, up to the log index to. more reports
// whether there are further ones up to it.
func (r *AuditReader) Read(to uint64, limit int) (events []view.AuditEvent, more bool, err error) {
	end, err := r.query.log.Audit().Before(to)
	if err != nil || end.Index <= r.at.Mark.Index {
		return nil, false, err
	}
	viewer := auditViewer{r.query.Viewer(r.viewer)}
	at, err := r.query.history.WalkSome(r.at, end.Index, limit, func(s past.Step) {
		if e, ok := viewer.event(s); ok {
			events = append(events, e)
		}
	})
	if err != nil {
		return nil, false, err
	}
	r.at = at
	return events, at.Mark.Index < end.Index, nil
}
