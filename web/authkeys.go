package web

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/web/who"
)

type IdentPath struct {
	Ident string `path:"ident" doc:"percent-encoded"`
}

type listAuthkeys struct {
	PageQuery
	Owner string `query:"owner" doc:"handle; empty: all that you may see"`
}

type addAuthkey struct {
	Body struct {
		Ident      string          `json:"ident,omitempty" doc:"empty: one is made"`
		Secret     secret.Secret   `json:"secret,omitempty" doc:"empty: one is made"`
		Owner      string          `json:"owner,omitempty" doc:"handle; empty: yourself"`
		Comment    string          `json:"comment,omitempty"`
		Pub        []graph.Pattern `json:"pub,omitempty" doc:"channels, or prefixes followed by *"`
		Sub        []graph.Pattern `json:"sub,omitempty"`
		Expires    *time.Time      `json:"expires,omitempty"`
		Networks   []netip.Prefix  `json:"networks,omitempty" doc:"CIDR; empty: from anywhere"`
		MaxMessage int             `json:"max_message,omitempty" doc:"bytes; 0: 1 MiB"`
	}
}

type editAuthkey struct {
	IdentPath
	Body struct {
		Comment    *string          `json:"comment,omitempty"`
		Pub        *[]graph.Pattern `json:"pub,omitempty" doc:"instead of the present ones"`
		Sub        *[]graph.Pattern `json:"sub,omitempty"`
		AddPub     []graph.Pattern  `json:"add_pub,omitempty" doc:"beside the present ones"`
		AddSub     []graph.Pattern  `json:"add_sub,omitempty"`
		RemovePub  []graph.Pattern  `json:"remove_pub,omitempty"`
		RemoveSub  []graph.Pattern  `json:"remove_sub,omitempty"`
		Enabled    *bool            `json:"enabled,omitempty"`
		Expires    *time.Time       `json:"expires,omitempty" doc:"the zero time: never"`
		Networks   *[]netip.Prefix  `json:"networks,omitempty"`
		MaxMessage *int             `json:"max_message,omitempty"`
	}
}

type rotateAuthkey struct {
	IdentPath
	Body struct {
		Secret secret.Secret `json:"secret,omitempty" doc:"empty: one is made"`
	}
}

// credential is shown when it is made, and on request to its owner.
type credential struct {
	ID     uint64 `json:"id"`
	Ident  string `json:"ident"`
	Secret string `json:"secret"`
}

func (s *Server) registerAuthkeys(h huma.API) {
	op(s, h, "GET /authkeys", "List authkeys with their statistics", func(ctx context.Context, in *listAuthkeys) (*array[query.Authkey], error) {
		var owner graph.UserID
		if in.Owner != "" {
			u, err := s.Query.User(who.Actor(ctx), in.Owner)
			if err != nil {
				return nil, err
			}
			owner = u.ID
		}
		keys, err := s.Query.Authkeys(who.Actor(ctx), owner)
		if err != nil {
			return nil, err
		}
		return page(&in.PageQuery, keys, func(k query.Authkey) uint64 { return uint64(k.ID) })
	})
	op(s, h, "GET /authkeys/{ident}", "Show an authkey", func(ctx context.Context, in *IdentPath) (*body[query.Authkey], error) {
		k, _, err := s.Query.Authkey(who.Actor(ctx), in.Ident)
		return &body[query.Authkey]{k}, err
	})
	op(s, h, "POST /authkeys", "Add an authkey; the answer shows the secret", s.addAuthkey)
	op(s, h, "PATCH /authkeys/{ident}", "Change an authkey", func(ctx context.Context, in *editAuthkey) (*none, error) {
		_, k, err := s.Query.Authkey(who.Actor(ctx), in.Ident)
		if err != nil {
			return nil, err
		}
		b := in.Body
		return s.changed(ctx, graph.EditAuthkey{
			Authkey: k.ID, Comment: b.Comment, Enabled: b.Enabled, Expires: b.Expires, Networks: b.Networks, MaxMessage: b.MaxMessage,
			Pub: edited(k.Pub, b.Pub, b.AddPub, b.RemovePub), Sub: edited(k.Sub, b.Sub, b.AddSub, b.RemoveSub),
		})
	})
	op(s, h, "POST /authkeys/{ident}/rotate", "Give an authkey a new secret; the answer shows it", func(ctx context.Context, in *rotateAuthkey) (*body[credential], error) {
		_, k, err := s.Query.Authkey(who.Actor(ctx), in.Ident)
		if err != nil {
			return nil, err
		}
		plain, sealed, err := s.seal(in.Body.Secret, k.Ident)
		if err != nil {
			return nil, err
		}
		if _, err := s.change(ctx, graph.EditAuthkey{Authkey: k.ID, Secret: sealed}); err != nil {
			return nil, err
		}
		return &body[credential]{credential{uint64(k.ID), k.Ident, plain.Reveal()}}, nil
	})
	op(s, h, "GET /authkeys/{ident}/secret", "Reveal the secret to its owner", func(ctx context.Context, in *IdentPath) (*body[credential], error) {
		_, k, err := s.Query.Authkey(who.Actor(ctx), in.Ident)
		if err != nil {
			return nil, err
		}
		if !s.Query.Graph().CanRevealSecret(who.Actor(ctx), k) {
			return nil, &graph.Error{Code: graph.Denied, Msg: "only the owner of an authkey may see its secret", Hint: "ask them"}
		}
		plain, err := s.Key.Open(k.Secret, []byte(k.Ident))
		if err != nil {
			return nil, err
		}
		s.Logger.Info("the secret of an authkey was revealed", "ident", k.Ident, "user", who.Actor(ctx).User, "operator", who.Actor(ctx).Operator, "from", who.Actor(ctx).From)
		return &body[credential]{credential{uint64(k.ID), k.Ident, string(plain)}}, nil
	})
	op(s, h, "DELETE /authkeys/{ident}", "Remove an authkey; its connections end", func(ctx context.Context, in *IdentPath) (*none, error) {
		_, k, err := s.Query.Authkey(who.Actor(ctx), in.Ident)
		if err != nil {
			return nil, err
		}
		return s.changed(ctx, graph.RemoveAuthkey{Authkey: k.ID})
	})
}

func (s *Server) addAuthkey(ctx context.Context, in *addAuthkey) (*body[credential], error) {
	b := in.Body
	if b.Ident == "" {
		b.Ident = secret.NewIdent()
	}
	owner, err := s.owner(ctx, b.Owner)
	if err != nil {
		return nil, err
	}
	plain, sealed, err := s.seal(b.Secret, b.Ident)
	if err != nil {
		return nil, err
	}
	add := graph.AddAuthkey{
		Owner: owner, Ident: b.Ident, Secret: sealed, Comment: b.Comment, Pub: b.Pub, Sub: b.Sub, Networks: b.Networks, MaxMessage: b.MaxMessage,
	}
	if b.Expires != nil {
		add.Expires = *b.Expires
	}
	out, err := s.change(ctx, add)
	if err != nil {
		return nil, err
	}
	return &body[credential]{credential{out.Body.ID, b.Ident, plain.Reveal()}}, nil
}

// edited is a list after an edit, or nil if it stays as it is. Of two edits at the same time that add, one may be lost: the
// graph takes whole lists.
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
func (s *Server) seal(plain secret.Secret, ident string) (secret.Secret, []byte, error) {
	if plain.Empty() {
		plain = secret.NewPassphrase()
	}
	if len(plain.Reveal()) > maxSecret {
		return plain, nil, &graph.Error{Code: graph.Invalid, Msg: "the secret must have at most 255 bytes", Hint: "leave it out to have a strong one made"}
	}
	return plain, s.Key.Seal([]byte(plain.Reveal()), []byte(ident)), nil
}
