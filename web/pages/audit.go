package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/view"
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
		events, next, err = r.Query.AuditEvents(r.actor, f)
	}
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	for _, e := range events {
		d.Events = append(d.Events, auditRow{e, sentence(e)})
	}
	if next != 0 {
		d.Next = r.with("after", strconv.FormatUint(next, 10))
	}
	return d, nil
}

// point reads a moment of the address; an empty one is the zero Point.
func (r *request) point(name string) (query.Point, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return query.Point{}, nil
	}
	at, err := query.ParsePoint(text, r.now.In(r.prefs.zone))
	if err != nil {
		return at, invalid(name+": "+r.Refusal(err).Detail, "")
	}
	return at, nil
}

// sentence says what somebody did, as people say it.
func sentence(e view.AuditEvent) string {
	name, user := "", ""
	var before, after map[string]any
	if e.Object != nil {
		name, user = e.Object.Name, e.Object.User
		for _, c := range e.Changes {
			if c.Kind == e.Object.Kind && c.ID == e.Object.ID && c.User == e.Object.User {
				before, after = c.Before, c.After
			}
		}
	}
	field := func(of map[string]any, key string) string {
		if v, ok := of[key]; ok {
			return fmt.Sprint(v)
		}
		return ""
	}
	switch e.Op {
	case "user.add":
		return fmt.Sprintf("added the user %s.", name)
	case "user.edit":
		return fmt.Sprintf("changed the user %s%s.", name, changed(before, after))
	case "user.remove":
		return fmt.Sprintf("removed the user %s, with all that was theirs.", name)
	case "group.add":
		return fmt.Sprintf("added the group %s.", name)
	case "group.remove":
		return fmt.Sprintf("removed the group %s.", name)
	case "member.add":
		return fmt.Sprintf("made %s a member of %s.", user, name)
	case "member.remove":
		if e.By == user {
			return fmt.Sprintf("left the group %s.", name)
		}
		return fmt.Sprintf("removed %s from %s.", user, name)
	case "member.admin":
		if field(after, "admin") == "true" {
			return fmt.Sprintf("made %s an admin of %s.", user, name)
		}
		return fmt.Sprintf("made %s no longer an admin of %s.", user, name)
	case "authkey.add":
		return fmt.Sprintf("added the authkey %s.", name)
	case "authkey.edit":
		return fmt.Sprintf("changed the authkey %s%s.", name, changed(before, after))
	case "authkey.remove":
		return fmt.Sprintf("removed the authkey %s.", name)
	case "share.add":
		what := "their own events of"
		if field(after, "type") == "all" {
			what = "their own events and those they receive of"
		}
		return strings.TrimSpace(fmt.Sprintf("shares %s %s with %s.", what, name, field(after, "to")))
	case "share.edit":
		return fmt.Sprintf("changed the share of %s%s.", name, changed(before, after))
	case "share.remove":
		return fmt.Sprintf("no longer shares %s with %s.", name, field(before, "to"))
	case "share.decide":
		if after != nil && field(after, "decision") != "disabled" {
			return fmt.Sprintf("enabled the share of %s.", name)
		}
		return fmt.Sprintf("disabled the share of %s.", name)
	}
	if said, ok := sentences[e.Op]; ok {
		return said
	}
	return strings.TrimSpace(e.Op+" "+name) + "."
}

// sentences are those of operations that name nothing.
var sentences = map[string]string{
	"token.add": "made an API token.", "token.remove": "removed an API token.",
	"session.add": "logged in.", "session.remove": "logged out, or ended a session.",
	"session.clear":  "ended other login sessions.",
	"invitation.add": "made an invitation.", "invitation.remove": "took back an invitation.",
	"invitation.accept": "accepted an invitation.",
	"retention.hold":    "held retention by age.", "retention.resume": "let retention by age go on.",
	"retention.accept": "accepted what retention is about to do.",
	"expire":           "ended what was due to end.",
}

// changed lists the fields that an event has changed.
func changed(before, after map[string]any) string {
	var names []string
	for k, v := range after {
		if fmt.Sprint(before[k]) != fmt.Sprint(v) {
			names = append(names, k)
		}
	}
	for k := range before {
		if _, still := after[k]; !still && after != nil {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
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
	Tables []changeTable
}

type changeTable struct {
	view.AuditObject
	Fields []fieldChange
}

type fieldChange struct {
	Name, Before, After string
	Changed             bool
}

func auditEvent(r *request) (any, error) {
	index, err := strconv.ParseUint(r.PathValue("index"), 10, 64)
	if err != nil {
		return nil, &graph.Error{Code: graph.NotFound, Msg: "There is no such change."}
	}
	e, err := r.Query.AuditEvent(r.actor, index)
	if err != nil {
		return nil, err
	}
	return auditEventData{auditRow{e, sentence(e)}, tablesOf(e.Changes)}, nil
}

func tablesOf(changes []view.AuditChange) (all []changeTable) {
	for _, c := range changes {
		t := changeTable{AuditObject: c.AuditObject}
		names := make(map[string]bool)
		for k := range c.Before {
			names[k] = true
		}
		for k := range c.After {
			names[k] = true
		}
		for k := range names {
			f := fieldChange{Name: k}
			if v, ok := c.Before[k]; ok {
				f.Before = fmt.Sprint(v)
			}
			if v, ok := c.After[k]; ok {
				f.After = fmt.Sprint(v)
			}
			f.Changed = f.Before != f.After
			t.Fields = append(t.Fields, f)
		}
		slices.SortFunc(t.Fields, func(a, b fieldChange) int { return strings.Compare(a.Name, b.Name) })
		all = append(all, t)
	}
	return all
}

type diffData struct {
	From, To string
	Diff     *view.AuditDiff
	Tables   []changeTable
}

// auditDiff shows what lies between two moments.
func auditDiff(r *request) (any, error) {
	q := r.URL.Query()
	d := diffData{From: q.Get("from"), To: q.Get("to")}
	if d.From == "" {
		return d, nil
	}
	from, err := r.point("from")
	var to query.Point // now
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
	d.Diff, d.Tables = &diff, tablesOf(diff.Changes)
	return d, nil
}

type accessData struct {
	Channel, At string
	Access      *view.Access
}

// access shows who could read a channel, then.
func access(r *request) (any, error) {
	q := r.URL.Query()
	d := accessData{Channel: q.Get("channel"), At: q.Get("at")}
	if d.Channel == "" {
		return d, nil
	}
	var at query.Point // now
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
	return d, nil
}

// WhyOf is the address of the explanation of one way.
func (d accessData) WhyOf(p view.AccessPath) string {
	q := url.Values{"from": {p.Publisher}, "to": {p.Reader}, "channel": {d.Channel}}
	if d.At != "" {
		q.Set("at", d.At)
	}
	return "/why?" + q.Encode()
}
