package query

import (
	"fmt"
	"strings"

	"hpfriends/graph"
)

// The Resolve functions find what a name or a number stands for, by the graph's indexes. What the viewer may not see is
// not found, in the same words as what was never there: graph.ErrNotFound.

// ResolveUser finds a user by handle.
func ResolveUser(v graph.Viewer, handle string) (*graph.User, error) {
	if u, ok := v.Graph().UserByHandle(handle); ok && v.CanSeeUser(u) {
		return u, nil
	}
	return nil, missing("user", handle)
}

// ResolveGroup finds a group by name.
func ResolveGroup(v graph.Viewer, name string) (*graph.Group, error) {
	if gr, ok := v.Graph().GroupByName(name); ok && v.CanSeeGroup(gr) {
		return gr, nil
	}
	return nil, missing("group", name)
}

// ResolveReceiver finds whom a share is with: group:NAME, or a user's handle. One of the two is 0.
func ResolveReceiver(v graph.Viewer, to string) (user graph.UserID, group graph.GroupID, err error) {
	if name, ok := strings.CutPrefix(to, "group:"); ok {
		gr, err := ResolveGroup(v, name)
		if err != nil {
			return 0, 0, err
		}
		return 0, gr.ID, nil
	}
	u, err := ResolveUser(v, to)
	if err == nil {
		return u.ID, 0, nil
	}
	if gr, errGroup := ResolveGroup(v, to); errGroup == nil {
		err = refuse(graph.NotFound, "for the group, write group:"+gr.Name, "there is no user %s", graph.Clip(to))
	}
	return 0, 0, err
}

// ResolveAuthkey finds an authkey by ident.
func ResolveAuthkey(v graph.Viewer, ident string) (*graph.Authkey, error) {
	if k, ok := v.Graph().AuthkeyByIdent(ident); ok && v.CanSeeAuthkey(k) {
		return k, nil
	}
	return nil, missing("authkey", ident)
}

// ResolveShare finds a share by number.
func ResolveShare(v graph.Viewer, id graph.ShareID) (*graph.Share, error) {
	if s, ok := v.Graph().Share(id); ok && v.CanSeeShare(s) {
		return s, nil
	}
	return nil, missing("share", fmt.Sprintf("#%d", id))
}

// ResolveToken finds an API token by number.
func ResolveToken(v graph.Viewer, id graph.TokenID) (*graph.Token, error) {
	if t, ok := v.Graph().Token(id); ok && v.CanSeeToken(t) {
		return t, nil
	}
	return nil, missing("token", fmt.Sprintf("#%d", id))
}

// missing is the answer for what does not exist and for what the viewer may not see alike.
func missing(kind, name string) error {
	hint := "list what you can see with `hpfriends " + kind + " ls`"
	return refuse(graph.NotFound, hint, "there is no %s %s", kind, graph.Clip(name))
}
