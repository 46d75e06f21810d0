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
	return resolveUser(q.viewer(viewer), handle)
}

func resolveUser(v graph.Viewer, handle string) (*graph.User, error) {
	if u, ok := v.Graph().UserByHandle(handle); ok && v.CanSeeUser(u) {
		return u, nil
	}
	return nil, missing("user", handle)
}

// ResolveGroup finds a group by name.
func (q *Query) ResolveGroup(viewer graph.Actor, name string) (*graph.Group, error) {
	return resolveGroup(q.viewer(viewer), name)
}

func resolveGroup(v graph.Viewer, name string) (*graph.Group, error) {
	if gr, ok := v.Graph().GroupByName(name); ok && v.CanSeeGroup(gr) {
		return gr, nil
	}
	return nil, missing("group", name)
}

// ResolveReceiver finds whom a share is with: group:NAME, or a user's handle. One of the two is 0.
func (q *Query) ResolveReceiver(viewer graph.Actor, to string) (user graph.UserID, group graph.GroupID, err error) {
	v := q.viewer(viewer)
	if name, ok := strings.CutPrefix(to, "group:"); ok {
		gr, err := resolveGroup(v, name)
		if err != nil {
			return 0, 0, err
		}
		return 0, gr.ID, nil
	}
	u, err := resolveUser(v, to)
	if err == nil {
		return u.ID, 0, nil
	}
	if gr, errGroup := resolveGroup(v, to); errGroup == nil {
		err = &graph.Error{
			Code: graph.NotFound, Msg: "there is no user " + graph.Clip(to), Hint: "for the group, write group:" + gr.Name,
		}
	}
	return 0, 0, err
}

// ResolveAuthkey finds an authkey by ident.
func (q *Query) ResolveAuthkey(viewer graph.Actor, ident string) (*graph.Authkey, error) {
	return resolveAuthkey(q.viewer(viewer), ident)
}

func resolveAuthkey(v graph.Viewer, ident string) (*graph.Authkey, error) {
	if k, ok := v.Graph().AuthkeyByIdent(ident); ok && v.CanSeeAuthkey(k) {
		return k, nil
	}
	return nil, missing("authkey", ident)
}

// ResolveShare finds a share by number.
func (q *Query) ResolveShare(viewer graph.Actor, id graph.ShareID) (*graph.Share, error) {
	return resolveShare(q.viewer(viewer), id)
}

func resolveShare(v graph.Viewer, id graph.ShareID) (*graph.Share, error) {
	if s, ok := v.Graph().Share(id); ok && v.CanSeeShare(s) {
		return s, nil
	}
	return nil, missing("share", fmt.Sprintf("#%d", id))
}

// ResolveToken finds an API token by number.
func (q *Query) ResolveToken(viewer graph.Actor, id graph.TokenID) (*graph.Token, error) {
	return resolveToken(q.viewer(viewer), id)
}

func resolveToken(v graph.Viewer, id graph.TokenID) (*graph.Token, error) {
	if t, ok := v.Graph().Token(id); ok && v.CanSeeToken(t) {
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
