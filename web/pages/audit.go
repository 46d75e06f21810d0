package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/past"
	"hpfriends/query/view"
	"hpfriends/web/prose"
)

type auditData struct {
	Events                                []auditRow
	Since, Until, Actor, Object, Op, User string
	First, Next                           string
	Verified                              *api.Verified
}

// auditRow is an event as a sentence.
type auditRow struct {
	view.AuditEvent
	Sentence string
}

func audit(r *request) (any, error) {
	q := r.URL.Query()
	d := auditData{
		Since: q.Get("since"), Until: q.Get("until"), Actor: q.Get("actor"), Object: q.Get("object"), Op: q.Get("op"),
		User: q.Get("user"),
	}
	f := query.AuditFilter{Actor: d.Actor, Object: d.Object, Op: d.Op, User: d.User, Limit: rows}
	if after, err := strconv.ParseUint(q.Get("after"), 10, 64); err == nil {
		f.After, d.First = after, r.with()
	}
	var err error
	if f.Since, err = r.point("since"); err == nil {
		f.Until, err = r.point("until")
	}
	var next uint64
	var events []view.AuditEvent
	if err == nil {
		events, next, err = r.Query.AuditEvents(r.Context(), r.actor, f)
	}
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	for _, e := range events {
		d.Events = append(d.Events, auditRow{e, prose.Sentence(e)})
	}
	if next != 0 {
		d.Next = r.with("after", strconv.FormatUint(next, 10))
	}
	return d, nil
}

// point reads a moment of the address; an empty one is the zero Point.
func (r *request) point(name string) (past.Point, error) {
	read := r.moment
	if name == "until" { // so far
		read = r.anyMoment
	}
	return read(name+": ", r.URL.Query().Get(name))
}

// verifyAudit reads the chain of all changes.
func verifyAudit(r *request) (done, error) {
	rc := http.NewResponseController(r.w)
	v, err := api.VerifyAudit.Run(r.Context(), r.API, func(api.Progress) {
		_ = rc.SetWriteDeadline(time.Now().Add(time.Minute)) // it may take any time, while it goes on
	})
	if err != nil {
		return done{}, err
	}
	data, err := audit(r)
	if err != nil {
		return done{}, err
	}
	d := data.(auditData)
	d.Verified = &v
	return done{show: d}, nil
}

// auditEventData is an event with what it changed, field by field.
type auditEventData struct {
	auditRow
	Tables []prose.Table
}

func auditEvent(r *request) (any, error) {
	index, err := strconv.ParseUint(r.PathValue("index"), 10, 64)
	if err != nil {
		return nil, &graph.Error{Code: graph.NotFound, Msg: "There is no such change."}
	}
	e, err := r.Query.AuditEvent(r.Context(), r.actor, index)
	if err != nil {
		return nil, err
	}
	return auditEventData{auditRow{e, prose.Sentence(e)}, prose.Tables(e.Changes, r.prefs.Zone)}, nil
}

type diffData struct {
	From, To string
	Diff     *view.AuditDiff
	Tables   []prose.Table
}

// auditDiff shows what lies between two moments.
func auditDiff(r *request) (any, error) {
	q := r.URL.Query()
	d := diffData{From: q.Get("from"), To: q.Get("to")}
	if d.From == "" {
		return d, nil
	}
	from, err := r.point("from")
	var to past.Point // now
	if err == nil && d.To != "" {
		to, err = r.point("to")
	}
	var diff view.AuditDiff
	if err == nil {
		diff, err = r.Query.DiffBetween(r.actor, from, to)
	}
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	d.Diff, d.Tables = &diff, prose.Changed(prose.Tables(diff.Changes, r.prefs.Zone))
	return d, nil
}

type accessData struct {
	Channel, At string
	Access      *view.Access
	Ways        []view.AccessPath // from one user to another
	Publishers  []string          // as far as who asks sees them
	Matches     []string          // channels of the pattern that was asked about
}

// access shows who could read a channel, then.
func access(r *request) (any, error) {
	q := r.URL.Query()
	d := accessData{Channel: q.Get("channel"), At: q.Get("at")}
	if d.Channel == "" {
		return d, nil
	}
	if graph.Pattern(d.Channel).IsPrefix() {
		asked := whyData{Channel: d.Channel}
		err := asked.Pick(r.Context(), r.asker())
		d.Matches = asked.Matches
		return d, err
	}
	var at past.Point // now
	var err error
	if d.At != "" {
		at, err = r.point("at")
	}
	var found view.Access
	if err == nil {
		found, err = r.Query.Access(r.actor, d.Channel, at)
	}
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	d.Access = &found
	for _, way := range found.Readers {
		if way.Publisher != way.Reader {
			d.Ways = append(d.Ways, way)
		}
		if !slices.Contains(d.Publishers, way.Publisher) {
			d.Publishers = append(d.Publishers, way.Publisher)
		}
	}
	return d, nil
}

// Pattern reports whether many channels were asked about at once.
func (d accessData) Pattern() bool { return graph.Pattern(d.Channel).IsPrefix() }

// WhyOf is the address of the explanation of one way.
func (d accessData) WhyOf(p view.AccessPath) string {
	q := url.Values{"from": {p.Publisher}, "to": {p.Reader}, "channel": {d.Channel}}
	if d.At != "" {
		q.Set("at", d.At)
	}
	return "/why?" + q.Encode()
}
