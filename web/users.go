package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
)

type HandlePath struct {
	Handle string `path:"handle"`
}

type addUser struct {
	Body struct {
		Handle   string     `json:"handle"`
		Name     string     `json:"name,omitempty" doc:"display name"`
		Password string     `json:"password,omitempty" doc:"at least 8 characters; without one the user can only use tokens"`
		Role     graph.Role `json:"role,omitempty" enum:"member,auditor,admin"`
	}
}

type editUser struct {
	HandlePath
	Body struct {
		Name     *string     `json:"name,omitempty"`
		Password *string     `json:"password,omitempty"`
		Role     *graph.Role `json:"role,omitempty" enum:"member,auditor,admin"`
		Enabled  *bool       `json:"enabled,omitempty"`
	}
}

func (s *Server) registerUsers(api huma.API) {
	op(s, api, "GET /users", "List users", func(ctx context.Context, _ *none) (*body[[]query.User], error) {
		return &body[[]query.User]{s.Query.Users(actor(ctx))}, nil
	})
	op(s, api, "GET /users/{handle}", "Show a user", func(ctx context.Context, in *HandlePath) (*body[query.User], error) {
		u, err := s.Query.User(actor(ctx), in.Handle)
		return &body[query.User]{u}, err
	})
	op(s, api, "POST /users", "Add a user", func(ctx context.Context, in *addUser) (*body[created], error) {
		hash, err := hashPassword(in.Body.Password)
		if err != nil {
			return nil, err
		}
		return s.change(ctx, graph.AddUser{Handle: in.Body.Handle, Name: in.Body.Name, Password: hash, Role: in.Body.Role})
	})
	op(s, api, "PATCH /users/{handle}", "Change a user", func(ctx context.Context, in *editUser) (*none, error) {
		id, err := s.user(ctx, in.Handle)
		if err != nil {
			return nil, err
		}
		change := graph.EditUser{User: id, Name: in.Body.Name, Role: in.Body.Role, Enabled: in.Body.Enabled}
		if in.Body.Password != nil {
			hash, err := hashPassword(*in.Body.Password)
			if err != nil {
				return nil, err
			}
			change.Password = &hash
		}
		return s.changed(ctx, change)
	})
	op(s, api, "DELETE /users/{handle}", "Remove a user with all that is theirs", func(ctx context.Context, in *HandlePath) (*none, error) {
		id, err := s.user(ctx, in.Handle)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.RemoveUser{User: id})
	})
}

// hashPassword checks and hashes; an empty password stays empty.
func hashPassword(p string) (string, error) {
	if p == "" {
		return "", nil
	}
	if n := len([]rune(p)); n < 8 || len(p) > 1024 {
		return "", &graph.Error{Code: graph.Invalid, Msg: "the password must have at least 8 characters and at most 1024 bytes", Hint: "any characters do; longer is better than stranger"}
	}
	return secret.HashPassword(p), nil
}
