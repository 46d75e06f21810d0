package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/web/who"
)

type HandlePath struct {
	Handle string `path:"handle"`
}

type listUsers struct{ PageQuery }

type addUser struct {
	Body struct {
		Handle   string        `json:"handle"`
		Name     string        `json:"name,omitempty" doc:"display name"`
		Password secret.Secret `json:"password,omitempty" doc:"at least 8 bytes; without one the user can only use tokens"`
		Role     graph.Role    `json:"role,omitempty" enum:"member,auditor,admin"`
	}
}

type editUser struct {
	HandlePath
	Body struct {
		Name     *string        `json:"name,omitempty"`
		Password *secret.Secret `json:"password,omitempty" doc:"empty: none any more"`
		Role     *graph.Role    `json:"role,omitempty" enum:"member,auditor,admin"`
		Enabled  *bool          `json:"enabled,omitempty"`
	}
}

func (s *Server) registerUsers(h huma.API) {
	op(s, h, "GET /users", "List users", func(ctx context.Context, in *listUsers) (*array[query.User], error) {
		return page(&in.PageQuery, s.Query.Users(who.Actor(ctx)), func(u query.User) uint64 { return uint64(u.ID) })
	})
	op(s, h, "GET /users/{handle}", "Show a user", func(ctx context.Context, in *HandlePath) (*body[query.User], error) {
		u, err := s.Query.User(who.Actor(ctx), in.Handle)
		return &body[query.User]{u}, err
	})
	op(s, h, "POST /users", "Add a user", func(ctx context.Context, in *addUser) (*body[created], error) {
		hash, err := s.hashPassword(ctx, in.Body.Password, in.Body.Handle)
		if err != nil {
			return nil, err
		}
		return s.change(ctx, graph.AddUser{Handle: in.Body.Handle, Name: in.Body.Name, Password: hash, Role: in.Body.Role})
	})
	op(s, h, "PATCH /users/{handle}", "Change a user", func(ctx context.Context, in *editUser) (*none, error) {
		id, err := s.user(ctx, in.Handle)
		if err != nil {
			return nil, err
		}
		change := graph.EditUser{User: id, Name: in.Body.Name, Role: in.Body.Role, Enabled: in.Body.Enabled}
		if in.Body.Password != nil {
			hash, err := s.hashPassword(ctx, *in.Body.Password, in.Handle)
			if err != nil {
				return nil, err
			}
			change.Password = &hash
		}
		return s.changed(ctx, change)
	})
	op(s, h, "DELETE /users/{handle}", "Remove a user with all that is theirs", func(ctx context.Context, in *HandlePath) (*none, error) {
		id, err := s.user(ctx, in.Handle)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.RemoveUser{User: id})
	})
}

// hashPassword checks and hashes; an empty password stays empty.
func (s *Server) hashPassword(ctx context.Context, p secret.Secret, handle string) (string, error) {
	if p.Empty() {
		return "", nil
	}
	if err := secret.CheckPassword(p, handle); err != nil {
		return "", &graph.Error{Code: graph.Invalid, Msg: err.Error(), Hint: "longer is better than stranger"}
	}
	return s.hasher.Hash(ctx, p)
}
