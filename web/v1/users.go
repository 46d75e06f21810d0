package v1

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/graph/limit"
	"hpfriends/internal/secret"
	"hpfriends/query/filter"
	"hpfriends/query/view"
	"hpfriends/web/who"
)

func (s *Service) registerUsers(h huma.API) {
	list(s, h, api.ListUsers, func(ctx context.Context, in *api.UsersQuery) ([]view.User, string, error) {
		all, err := filter.Users{
			Text: in.Text, Role: graph.Role(in.Role), State: filter.State(in.State),
		}.Of(s.Query.Users(who.Actor(ctx)))
		if err != nil {
			return nil, "", err
		}
		return page(in.Page, all, func(u view.User) uint64 { return uint64(u.ID) })
	})
	op(s, h, api.ShowUser, func(ctx context.Context, in *api.HandlePath) (view.User, error) {
		return s.Query.User(who.Actor(ctx), in.Handle)
	})
	op(s, h, api.AddUser, s.addUser)
	op(s, h, api.EditUser, s.editUser)
	op(s, h, api.SetLimits, func(ctx context.Context, in *api.LimitsEdit) (api.None, error) {
		id, err := s.user(ctx, in.Handle)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.SetLimits{User: id, Set: limit.Set(in.Body)})
	})
	op(s, h, api.RemoveUser, func(ctx context.Context, in *api.HandlePath) (api.None, error) {
		id, err := s.user(ctx, in.Handle)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.RemoveUser{User: id, KeepAdmin: true})
	})
}

func (s *Service) addUser(ctx context.Context, in *api.With[api.NewUser]) (api.Created, error) {
	add := graph.AddUser{Handle: in.Body.Handle, Name: in.Body.Name, Role: in.Body.Role}
	var err error
	if add.Password, err = hashFor(ctx, s, add, in.Body.Password.Secret, in.Body.Handle); err != nil {
		return api.Created{}, err
	}
	return s.change(ctx, add)
}

func (s *Service) editUser(ctx context.Context, in *api.UserEdit) (api.None, error) {
	id, err := s.user(ctx, in.Handle)
	if err != nil {
		return api.None{}, err
	}
	change := graph.EditUser{
		User: id, Name: in.Body.Name, Role: in.Body.Role, Enabled: in.Body.Enabled,
		KeepAdmin: in.Body.Role != nil || in.Body.Enabled != nil,
	}
	if in.Body.Password != nil {
		if a := who.Actor(ctx); s.Prove != nil && id == a.User && !a.Operator {
			if err := s.Prove(ctx, a, in.Body.Current.Secret); err != nil {
				return api.None{}, err
			}
		}
		hash, err := hashFor(ctx, s, change, in.Body.Password.Secret, in.Handle)
		if err != nil {
			return api.None{}, err
		}
		change.Password = &hash
	}
	return s.changed(ctx, change)
}

// hashFor is the hash of a password that a change is to set, if the change is taken at all.
func hashFor(ctx context.Context, s *Service, o graph.Op, password secret.Secret, handle string) (string, error) {
	if s.MaySet != nil && !password.Empty() {
		c := graph.Command{Time: s.Changer.Now(), By: who.Actor(ctx), Op: o}
		if err := s.MaySet(c, handle); err != nil {
			return "", err
		}
	}
	return who.HashPassword(ctx, s.Hasher, password, handle)
}
