package query

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"hpfriends/graph"
	"hpfriends/graph/limit"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

// auditViewer shows the history to one viewer, by the rights that they have now.
type auditViewer struct{ graph.Viewer }

// event is what the viewer may see of a step; ok is false if that is nothing. What a user did is theirs to see, with
// those of its effects that concern them.
func (v auditViewer) event(s past.Step) (e view.AuditEvent, ok bool) {
	by := s.Command.By
	own := by.User != 0 && by.User == v.User
	e = view.AuditEvent{
		Position: fmt.Sprintf("#%d", s.Mark.Index), Index: s.Mark.Index, Time: past.Stamp(s.Command),
		By: actorName(s), Op: s.Command.OpName(), Object: mainObject(s), Changes: v.changes(effects(s), s.Before, s.After),
	}
	if v.CanSeeAll() || own {
		e.From = by.From
	}
	if v.CanSeeAll() {
		e.Hash = hex.EncodeToString(s.Mark.Hash[:])
	}
	return e, v.CanSeeAnything() && (v.CanSeeAll() || own || len(e.Changes) > 0)
}

// effects are the differences that a step makes. An authkey whose secret was told is among them, the same before and
// after: that concerns whom its changes concern.
func effects(s past.Step) iter.Seq[graph.Difference] {
	op, ok := s.Command.Op.(graph.RevealAuthkey)
	if !ok {
		return graph.Diff(s.Before, s.After)
	}
	k, _ := s.After.Authkey(op.Authkey)
	told := graph.Difference{Ref: graph.Ref{Kind: graph.KindAuthkey, ID: uint64(k.ID)}, Before: k, After: k}
	return func(yield func(graph.Difference) bool) { yield(told) }
}

// changes are those of the differences between two graphs that the viewer may see.
func (v auditViewer) changes(all iter.Seq[graph.Difference], before, after *graph.Graph) []view.AuditChange {
	seen := []view.AuditChange{}
	for d := range all {
		if v.sees(d, before, after) {
			seen = append(seen, viewChange(d, before, after))
		}
	}
	return seen
}

func (v auditViewer) sees(d graph.Difference, before, after *graph.Graph) bool {
	return v.CanSeeAll() || v.CanSeeAnything() && d.Concerns(before, after, v.User)
}

func actorName(s past.Step) string {
	by := s.Command.By
	_, joins := s.Command.Op.(graph.AcceptInvitation)
	switch {
	case joins && by.User == 0:
		return handleIn(graph.UserID(s.Mark.Index), s.After)
	case by.User != 0:
		return handleIn(by.User, s.Before, s.After)
	case by.From == "system":
		return "system"
	}
	return "operator"
}

func handleIn(id graph.UserID, graphs ...*graph.Graph) string {
	for _, g := range graphs {
		if u, ok := g.User(id); ok {
			return u.Handle
		}
	}
	return ""
}

// mainObject is what the command was about; nil for one that is about many.
func mainObject(s past.Step) *view.AuditObject {
	r, ok := s.Command.About(s.Mark.Index)
	if !ok {
		return nil
	}
	o := auditObject(r, s.Before, s.After)
	return &o
}

// auditObject names an object as the first of the graphs that holds it does.
func auditObject(r graph.Ref, graphs ...*graph.Graph) view.AuditObject {
	o := view.AuditObject{Kind: r.Kind, ID: r.ID, User: handleIn(r.User, graphs...)}
	for _, g := range graphs {
		if o.Name = objectName(g, r); o.Name != "" {
			break
		}
	}
	return o
}

func objectName(g *graph.Graph, r graph.Ref) string {
	switch r.Kind {
	case graph.KindUser:
		return handle(g, graph.UserID(r.ID))
	case graph.KindGroup, graph.KindMembership, graph.KindRequest:
		if gr, ok := g.Group(graph.GroupID(r.ID)); ok {
			return gr.Name
		}
	case graph.KindAuthkey:
		if k, ok := g.Authkey(graph.AuthkeyID(r.ID)); ok {
			return k.Ident
		}
	case graph.KindShare, graph.KindAcceptance:
		if s, ok := g.Share(graph.ShareID(r.ID)); ok {
			return string(s.Channel)
		}
	case graph.KindToken:
		if t, ok := g.Token(graph.TokenID(r.ID)); ok {
			return t.Comment
		}
	case graph.KindSession:
		if t, ok := g.Session(graph.TokenID(r.ID)); ok {
			return t.From
		}
	case graph.KindInvitation:
		if i, ok := g.Invitation(graph.InvitationID(r.ID)); ok {
			return invitationName(g, i)
		}
	}
	return ""
}

func viewChange(d graph.Difference, before, after *graph.Graph) view.AuditChange {
	c := view.AuditChange{
		AuditObject: auditObject(d.Ref, before, after),
		Before:      objectFields(before, d.Before), After: objectFields(after, d.After),
	}
	switch was := d.Before.(type) {
	case *graph.User:
		if is, ok := d.After.(*graph.User); ok && was.Password != "" && is.Password != "" && was.Password != is.Password {
			c.After["password"] = "changed"
		}
	case *graph.Authkey:
		is, ok := d.After.(*graph.Authkey)
		switch {
		case ok && is == was:
			c.After["secret"] = "revealed"
		case ok && !bytes.Equal(was.Secret, is.Secret):
			c.After["secret"] = "changed"
		}
	}
	return c
}

// objectFields returns the fields of an object as its view shows them, without what is derived and what is secret. It
// shows all of them: changes that are not for the viewer at hand are left out before.
func objectFields(g *graph.Graph, o graph.Object) map[string]any {
	switch o := o.(type) {
	case *graph.User:
		f := fields(viewUser(g.Viewer(graph.Actor{Operator: true}), o))
		f["password"] = map[bool]string{true: "set", false: "none"}[o.Password != ""]
		delete(f, "limits")
		for k := range limit.All() {
			if o.Limits[k] != 0 {
				f["most "+k.String()] = json.Number(formatIndex(uint64(o.Limits[k])))
			}
		}
		return f
	case *graph.Group:
		return map[string]any{"name": o.Name}
	case *graph.Membership:
		f := map[string]any{"group": "", "user": handle(g, o.User), "admin": o.Admin}
		if gr, ok := g.Group(o.Group); ok {
			f["group"] = gr.Name
		}
		return f
	case *graph.Authkey:
		f := fields(viewAuthkey(g, o))
		f["secret"] = "set"
		return f
	case *graph.Share:
		return fields(viewShare(g.Viewer(graph.Actor{}), o))
	case *graph.Acceptance:
		s, _ := g.Share(o.Share)
		return map[string]any{
			"share": json.Number(formatIndex(uint64(o.Share))), "user": handle(g, o.User), "from": handle(g, s.Owner),
			"to": receiver(g, s), "channel": string(s.Channel), "enabled": o.Enabled,
		}
	case *graph.Token:
		if o.Session {
			return fields(viewSession(g.Viewer(graph.Actor{}), o))
		}
		return fields(view.TokenOf(o, handle(g, o.Owner), time.Time{}))
	case *graph.Invitation:
		return fields(ViewInvitation(g, o))
	case *graph.JoinRequest:
		f := map[string]any{"group": "", "user": handle(g, o.User), "note": o.Note}
		if gr, ok := g.Group(o.Group); ok {
			f["group"] = gr.Name
		}
		return f
	}
	return nil
}

// fields are those of a view, by their JSON names; its identity is told beside them.
func fields(shown any) map[string]any {
	data, err := json.Marshal(shown)
	f := make(map[string]any)
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err == nil {
		err = dec.Decode(&f)
	}
	if err != nil { // views are plain structs
		panic(fmt.Sprintf("query: fields of %T: %v", shown, err))
	}
	delete(f, "id")
	delete(f, "created")
	return f
}
