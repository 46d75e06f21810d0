package v1

import (
	"context"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/guessable"
	"hpfriends/internal/secret"
	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/query/filter"
	"hpfriends/query/view"
	"hpfriends/web/who"
)

func (s *Service) registerAuthkeys(h huma.API) {
	list(s, h, api.ListAuthkeys, func(ctx context.Context, in *api.AuthkeysQuery) ([]view.Authkey, string, error) {
		owner, err := owner(ctx, s, in.Owner)
		if err != nil {
			return nil, "", err
		}
		keys, err := s.Query.Authkeys(who.Actor(ctx), owner)
		if err == nil {
			keys, err = filter.Authkeys{Text: in.Text, State: filter.State(in.State), Now: s.Changer.Now()}.Of(keys)
		}
		if err != nil {
			return nil, "", err
		}
		return page(in.Page, keys, func(k view.Authkey) uint64 { return uint64(k.ID) })
	})
	op(s, h, api.ShowAuthkey, func(ctx context.Context, in *api.IdentPath) (view.Authkey, error) {
		return s.Query.Authkey(who.Actor(ctx), in.Ident)
	})
	op(s, h, api.AddAuthkey, s.addAuthkey)
	op(s, h, api.EditAuthkey, s.editAuthkey)
	op(s, h, api.RotateAuthkey, s.rotateAuthkey)
	op(s, h, api.RevealAuthkey, s.revealAuthkey)
	op(s, h, api.CheckSecret, func(ctx context.Context, in *api.SecretCheck) (api.SecretChecked, error) {
		_, plain, err := open(s.Key, s.viewer(ctx), in.Ident)
		return api.SecretChecked{Same: err == nil && plain.Equal(in.Body.Secret.Secret)}, err
	})
	op(s, h, api.RemoveAuthkey, func(ctx context.Context, in *api.IdentPath) (api.None, error) {
		k, err := query.ResolveAuthkey(s.viewer(ctx), in.Ident)
		if err != nil {
			return api.None{}, err
		}
		return s.changed(ctx, graph.RemoveAuthkey{Authkey: k.ID})
	})
}

func (s *Service) addAuthkey(ctx context.Context, in *api.With[api.NewAuthkey]) (none api.Credential, err error) {
	b := in.Body
	if b.Ident == "" {
		b.Ident = secret.NewIdent()
	}
	owner, err := owner(ctx, s, b.Owner)
	if err != nil {
		return none, err
	}
	plain, sealed, err := s.seal(b.Secret.Secret, b.Ident, b.Weak)
	if err != nil {
		return none, err
	}
	add := graph.AddAuthkey{
		Owner: owner, Ident: b.Ident, Secret: sealed, Comment: b.Comment, Pub: b.Pub, Sub: b.Sub,
		Networks: b.Networks, MaxMessage: b.MaxMessage,
	}
	if b.Expires != nil {
		add.Expires = *b.Expires
	}
	out, err := s.change(ctx, add)
	if err != nil {
		return none, err
	}
	return api.Credential{ID: out.ID, Ident: b.Ident, Secret: plain.Reveal()}, nil
}

func (s *Service) editAuthkey(ctx context.Context, in *api.AuthkeyEdit) (api.None, error) {
	k, err := query.ResolveAuthkey(s.viewer(ctx), in.Ident)
	if err != nil {
		return api.None{}, err
	}
	b := in.Body
	for _, p := range slices.Concat(b.RemovePub, b.RemoveSub) { // the graph sees the others
		if err := p.Validate(); err != nil {
			return api.None{}, err
		}
	}
	return s.changed(ctx, graph.EditAuthkey{
		Authkey: k.ID, Comment: b.Comment, Enabled: b.Enabled, Expires: b.Expires,
		Networks: b.Networks, MaxMessage: b.MaxMessage,
		Pub: edited(k.Pub, b.Pub, b.AddPub, b.RemovePub), Sub: edited(k.Sub, b.Sub, b.AddSub, b.RemoveSub),
	})
}

func (s *Service) rotateAuthkey(ctx context.Context, in *api.AuthkeyRotate) (none api.Credential, err error) {
	k, err := query.ResolveAuthkey(s.viewer(ctx), in.Ident)
	if err != nil {
		return none, err
	}
	plain, sealed, err := s.seal(in.Body.Secret.Secret, k.Ident, in.Body.Weak)
	if err != nil {
		return none, err
	}
	edit := graph.EditAuthkey{Authkey: k.ID, Secret: sealed}
	if in.Body.Overlap != "" {
		overlap, err := timespec.Duration(in.Body.Overlap)
		if err != nil || overlap <= 0 {
			return none, &graph.Error{Code: graph.Invalid, Msg: "overlap: how long the old secret is good, for example 24h"}
		}
		edit.OldUntil = s.Changer.Now().Add(overlap)
	}
	if _, err := s.change(ctx, edit); err != nil {
		return none, err
	}
	return api.Credential{ID: uint64(k.ID), Ident: k.Ident, Secret: plain.Reveal()}, nil
}

// revealAuthkey tells a secret once the audit has it that it was told.
func (s *Service) revealAuthkey(ctx context.Context, in *api.IdentPath) (none api.Credential, err error) {
	k, _, err := open(s.Key, s.viewer(ctx), in.Ident)
	if err != nil {
		return none, err
	}
	if _, err := s.change(ctx, graph.RevealAuthkey{Authkey: k.ID}); err != nil {
		return none, err
	}
	now, plain, err := open(s.Key, s.viewer(ctx), in.Ident)
	if err != nil {
		return none, err
	}
	if now.ID != k.ID { // of this one the audit says nothing
		return none, &graph.Error{
			Code: graph.Conflict, Msg: "the authkey was replaced by another meanwhile", Hint: "try again",
		}
	}
	return api.Credential{ID: uint64(k.ID), Ident: k.Ident, Secret: plain.Reveal()}, nil
}

// open returns an authkey and its secret, if the viewer may see it.
func open(key *secret.DataKey, v graph.Viewer, ident string) (*graph.Authkey, secret.Secret, error) {
	k, err := query.ResolveAuthkey(v, ident)
	if err != nil {
		return nil, secret.Secret{}, err
	}
	if !v.CanRevealSecret(k) {
		return nil, secret.Secret{}, &graph.Error{
			Code: graph.Denied, Msg: "only the owner of an authkey may see its secret", Hint: "ask them",
		}
	}
	plain, err := key.Open(k.Secret, []byte(k.Ident))
	return k, secret.New(string(plain)), err
}

// edited is a list after an edit, or nil if it stays as it is. Of two edits at the same time that add, one may be lost:
// the graph takes whole lists.
func edited(present []graph.Pattern, instead *[]graph.Pattern, add, remove []graph.Pattern) *[]graph.Pattern {
	if instead == nil && len(add) == 0 && len(remove) == 0 {
		return nil
	}
	list := slices.Clone(present)
	if instead != nil {
		list = slices.Clone(*instead)
	}
	for _, p := range add {
		if !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	list = slices.DeleteFunc(list, func(p graph.Pattern) bool { return slices.Contains(remove, p) })
	return &list
}

// maxSecret is what fits: the clients of the field put a secret into configuration files and never send it.
const maxSecret = 255

// seal makes a secret where none is given, and seals it for its ident.
func (s *Service) seal(plain secret.Secret, ident string, weak bool) (secret.Secret, []byte, error) {
	if plain.Empty() {
		plain = secret.NewPassphrase()
	} else if err := guessable.CheckSecret(plain, ident); err != nil && !weak {
		return plain, nil, &graph.Error{
			Code: graph.Invalid, Msg: err.Error(),
			Hint: "leave it out to have a strong one made, or say that it is weak for software that cannot change it",
		}
	}
	if len(plain.Reveal()) > maxSecret {
		return plain, nil, &graph.Error{
			Code: graph.Invalid, Msg: "the secret must have at most 255 bytes", Hint: "leave it out to have a strong one made",
		}
	}
	return plain, s.Key.Seal([]byte(plain.Reveal()), []byte(ident)), nil
}
