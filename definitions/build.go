package definitions

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hpfriends/graph"
)

// Refused is a part of a document that the graph refuses.
type Refused struct {
	Kind, Name string // of the part
	Err        error  // why: an *graph.Error
}

func (r *Refused) Error() string { return fmt.Sprintf("%s %q: %v", r.Kind, graph.Clip(r.Name), r.Err) }

// Unwrap returns why.
func (r *Refused) Unwrap() error { return r.Err }

// Build returns the graph that holds what d says and nothing else, by the graph's own rules, and what they refuse.
func Build(d Document, now time.Time) (*graph.Graph, []*Refused) {
	b := builder{graph: graph.New(), now: now}
	for _, u := range d.Users {
		b.user(u)
	}
	for _, g := range d.Groups {
		b.group(g)
	}
	for _, k := range d.Authkeys {
		b.authkey(k)
	}
	for _, s := range d.Shares {
		b.share(s)
	}
	return b.graph, b.refused
}

type builder struct {
	graph   *graph.Graph
	now     time.Time
	refused []*Refused

	kind, name string // of what is being built
}

// do makes a change as a user, or as the operator. It returns the object's id, and whether the graph took it.
func (b *builder) do(as graph.UserID, op graph.Op) (uint64, bool) {
	index := max(b.graph.Index(), uint64(graph.Everyone)) + 1
	next, out, err := b.graph.Apply(index, graph.Command{
		By: graph.Actor{User: as, Operator: true, From: "document"}, Time: b.now, Op: op,
	})
	if err != nil {
		b.refuse(err)
		return 0, false
	}
	b.graph = next
	return out.Object, true
}

func (b *builder) refuse(err error) {
	b.refused = append(b.refused, &Refused{b.kind, b.name, err})
}

// find returns the user of a handle, and refuses what names nobody of the document.
func (b *builder) find(handle string) (graph.UserID, bool) {
	u, ok := b.graph.UserByHandle(handle)
	if !ok {
		b.refuse(&graph.Error{Code: graph.NotFound, Msg: fmt.Sprintf("there is no user %q", graph.Clip(handle)),
			Hint: "add them to users"})
		return 0, false
	}
	return u.ID, true
}

func (b *builder) user(u User) {
	b.kind, b.name = "user", u.Handle
	id, ok := b.do(0, graph.AddUser{Handle: u.Handle, Name: u.Name, Role: u.Role})
	if ok && u.Disabled {
		b.do(0, graph.EditUser{User: graph.UserID(id), Enabled: new(false)})
	}
}

func (b *builder) group(g Group) {
	b.kind, b.name = "group", g.Name
	if len(g.Admins) == 0 {
		b.refuse(&graph.Error{Code: graph.Invalid, Msg: "the group has no admin", Hint: "name one in admins"})
		return
	}
	first, ok := b.find(g.Admins[0])
	if !ok {
		return
	}
	id, ok := b.do(first, graph.AddGroup{Name: g.Name})
	if !ok {
		return
	}
	for i, handle := range slices.Concat(g.Admins[1:], g.Members) {
		user, ok := b.find(handle)
		if !ok {
			continue
		}
		_, ok = b.do(first, graph.AddMember{Group: graph.GroupID(id), User: user})
		if ok && i < len(g.Admins)-1 {
			b.do(first, graph.SetGroupAdmin{Group: graph.GroupID(id), User: user, Admin: true})
		}
	}
}

func (b *builder) authkey(k Authkey) {
	b.kind, b.name = "authkey", k.Ident
	owner, ok := b.find(k.Owner)
	if !ok {
		return
	}
	add := graph.AddAuthkey{
		Owner: owner, Ident: k.Ident, Secret: []byte("sealed"), Comment: k.Comment, Pub: k.Pub, Sub: k.Sub,
		Networks: k.Networks, MaxMessage: k.MaxMessage,
	}
	if k.Expires != nil && k.Expires.After(b.now) { // one that has expired is as good as disabled
		add.Expires = *k.Expires
	}
	id, ok := b.do(0, add)
	if ok && k.Disabled {
		b.do(0, graph.EditAuthkey{Authkey: graph.AuthkeyID(id), Enabled: new(false)})
	}
}

func (b *builder) share(s Share) {
	b.kind, b.name = "share", s.Name()
	owner, ok := b.find(s.From)
	if !ok {
		return
	}
	add := graph.AddShare{Channel: s.Channel, Type: s.Type, History: s.History, Note: s.Note}
	if s.Expires != nil {
		add.Expires = *s.Expires
	}
	if name, isGroup := strings.CutPrefix(s.To, "group:"); isGroup {
		g, ok := b.graph.GroupByName(name)
		if !ok {
			b.refuse(&graph.Error{Code: graph.NotFound, Msg: fmt.Sprintf("there is no group %q", graph.Clip(name)),
				Hint: "add it to groups"})
			return
		}
		add.Group = g.ID
	} else if add.User, ok = b.find(s.To); !ok {
		return
	}
	id, ok := b.do(owner, add)
	if !ok {
		return
	}
	for i, handle := range slices.Concat(s.EnabledBy, s.DisabledBy) {
		if user, ok := b.find(handle); ok {
			b.do(user, graph.DecideShare{Share: graph.ShareID(id), Accept: i < len(s.EnabledBy)})
		}
	}
}

// Name is what a share is called where people read of it.
func (s Share) Name() string { return fmt.Sprintf("%s of %s with %s", s.Channel, s.From, s.To) }
