package query

import (
	"fmt"
	"strings"

	"hpfriends/graph"
)

// The resolvers find what a name or a number stands for, by the graph's indexes. What the viewer may not see is not found, in
// the same words as what was never there: graph.ErrNotFound.

// ResolveUser finds a user by handle.
func (q *Query) ResolveUser(viewer graph.Actor, handle string) (*graph.User, error) {
	return resolveUser(q.graph(), viewer, handle)
}

func resolveUser(g *graph.Graph, viewer graph.Actor, handle string) (*graph.User, error) {
	if u, ok := g.UserByHandle(handle); ok && g.CanSeeUser(viewer, u) {
		return u, nil
	}
	return nil, missing("user", handle)
}

// ResolveGroup finds a group by name.
func (q *Query) ResolveGroup(viewer graph.Actor, name string) (*graph.Group, error) {
	return resolveGroup(q.graph(), viewer, name)
}

func resolveGroup(g *graph.Graph, viewer graph.Actor, name string) (*graph.Group, error) {
	if gr, ok := g.GroupByName(name); ok && g.CanSeeGroup(viewer, gr) {
		return gr, nil
	}
	return nil, missing("group", name)
}

// ResolveReceiver finds whom a share is with: group:NAME, or a user's handle. One of the two is 0.
func (q *Query) ResolveReceiver(viewer graph.Actor, to string) (user graph.UserID, group graph.GroupID, err error) {
	g := q.graph()
	if name, ok := strings.CutPrefix(to, "group:"); ok {
		gr, err := resolveGroup(g, viewer, name)
		if err != nil {
			return 0, 0, err
		}
		return 0, gr.ID, nil
	}
	u, err := resolveUser(g, viewer, to)
	if err == nil {
		return u.ID, 0, nil
	}
	if gr, errGroup := resolveGroup(g, viewer, to); errGroup == nil {
		err = &graph.Error{
			Code: graph.NotFound, Msg: "there is no user " + graph.Clip(to), Hint: "for the group, write group:" + gr.Name,
		}
	}
	return 0, 0, err
}

// ResolveAuthkey finds an authkey by ident.
func (q *Query) ResolveAuthkey(viewer graph.Actor, ident string) (*graph.Authkey, error) {
	return resolveAuthkey(q.graph(), viewer, ident)
}

func resolveAuthkey(g *graph.Graph, viewer graph.Actor, ident string) (*graph.Authkey, error) {
	if k, ok := g.AuthkeyByIdent(ident); ok && g.CanSeeAuthkey(viewer, k) {
		return k, nil
	}
	return nil, missing("authkey", ident)
}

// ResolveShare finds a share by number.
func (q *Query) ResolveShare(viewer graph.Actor, id graph.ShareID) (*graph.Share, error) {
	return resolveShare(q.graph(), viewer, id)
}

func resolveShare(g *graph.Graph, viewer graph.Actor, id graph.ShareID) (*graph.Share, error) {
	if s, ok := g.Share(id); ok && g.CanSeeShare(viewer, s) {
		return s, nil
	}
	return nil, missing("share", fmt.Sprintf("#%d", id))
}

// ResolveToken finds an API token by number.
func (q *Query) ResolveToken(viewer graph.Actor, id graph.TokenID) (*graph.Token, error) {
	return resolveToken(q.graph(), viewer, id)
}

func resolveToken(g *graph.Graph, viewer graph.Actor, id graph.TokenID) (*graph.Token, error) {
	if t, ok := g.Token(id); ok && g.CanSeeToken(viewer, t) {
		return t, nil
	}
	return nil, missing("token", fmt.Sprintf("#%d", id))
}

// missing is the answer for what does not exist and for what the viewer may not see alike.
func missing(kind, name string) error {
	return &graph.Error{
		Code: graph.NotFound, Msg: fmt.Sprintf("there is no %s %s", kind, graph.Clip(name)),
		Hint: "list what you can see with `hpfriends " + kind + " ls`",
	}
}
