package graph

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"time"

	"hpfriends/graph/due"
	"hpfriends/graph/tree"
)

// credentials are the authkeys, the API tokens and the login sessions.
type credentials struct {
	authkeys tree.Map[uint64, *Authkey]
	idents   tree.Map[string, *Authkey]
	keysOf   tree.Index // (owner, authkey)
	tokens   tree.Map[uint64, *Token]
	hashes   tree.Map[string, *Token]
	tokensOf tree.Index // (owner, token)
}

func newCredentials() credentials {
	return credentials{
		authkeys: tree.New[uint64, *Authkey](cmp.Compare), idents: tree.New[string, *Authkey](cmp.Compare),
		keysOf: tree.NewIndex(),
		tokens: tree.New[uint64, *Token](cmp.Compare), hashes: tree.New[string, *Token](cmp.Compare),
		tokensOf: tree.NewIndex(),
	}
}

// What MaxMessage an authkey can have, in bytes: a frame without a payload fits, whatever its names.
const MinMessageLimit, MaxMessageLimit = 5 + 2*256, 64 << 20

// Authkey returns the authkey with this ID.
func (g *Graph) Authkey(id AuthkeyID) (*Authkey, bool) { return g.authkeys.Find(uint64(id)) }

// AuthkeyByIdent returns the authkey with exactly this ident.
func (g *Graph) AuthkeyByIdent(ident string) (*Authkey, bool) { return g.idents.Find(ident) }

// Authkeys yields all authkeys in the order of their creation.
func (g *Graph) Authkeys() iter.Seq[*Authkey] { return values(g.authkeys) }

// AuthkeysOf yields the authkeys of a user in the order of their creation.
func (g *Graph) AuthkeysOf(user UserID) iter.Seq[*Authkey] {
	return lookUp(g.keysOf.Of(uint64(user)), g.authkeys)
}

// lookUp yields what the ids stand for.
func lookUp[V any](ids iter.Seq[uint64], in tree.Map[uint64, V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		for id := range ids {
			if v, ok := in.Find(id); ok && !yield(v) {
				return
			}
		}
	}
}

func (d *draft) putAuthkey(k *Authkey) {
	d.authkeys.Put(d.edit, uint64(k.ID), k)
	d.idents.Put(d.edit, k.Ident, k)
	d.keysOf.Add(d.edit, uint64(k.Owner), uint64(k.ID))
	if k.Enabled {
		d.due(k.Expires, due.Authkey, uint64(k.ID))
	}
}

func (d *draft) dropAuthkey(k *Authkey) {
	d.authkeys.Remove(d.edit, uint64(k.ID))
	d.idents.Remove(d.edit, k.Ident)
	d.keysOf.Drop(d.edit, uint64(k.Owner), uint64(k.ID))
	d.notDue(k.Expires, due.Authkey, uint64(k.ID))
}

// owner returns for whom the actor adds something: whom they name, or themselves.
func (d *draft) owner(named UserID) UserID { return cmp.Or(named, d.by.User) }

// authorizeOwner decides whether the actor may add something for whom they name.
func (d *draft) authorizeOwner(named UserID) error {
	id := d.owner(named)
	if id == 0 {
		return d.requireUser("this needs an owner")
	}
	u, ok := d.User(id)
	if !ok {
		return noSuch("user", uint64(id))
	}
	return d.requireOwner(id, "what belongs to "+u.Handle)
}

func (op AddAuthkey) authorize(d *draft) error { return d.authorizeOwner(op.Owner) }

func (op AddAuthkey) apply(d *draft) (uint64, error) {
	k := &Authkey{
		ID: AuthkeyID(d.at.Index), Owner: d.owner(op.Owner), Ident: op.Ident, Secret: slices.Clone(op.Secret),
		Comment: op.Comment, Pub: slices.Clone(op.Pub), Sub: slices.Clone(op.Sub), Enabled: true,
		Expires: canonical(op.Expires), Networks: slices.Clone(op.Networks), MaxMessage: op.MaxMessage, Created: d.at,
	}
	if err := firstError(ValidateIdent(k.Ident), k.check(), d.checkExpires(k.Expires)); err != nil {
		return 0, err
	}
	if _, ok := d.AuthkeyByIdent(op.Ident); ok {
		return 0, refuse(Conflict, "choose another ident", "there is an authkey with the ident %q already", op.Ident)
	}
	d.putAuthkey(k)
	return uint64(k.ID), nil
}

func (k *Authkey) check() error {
	if len(k.Secret) == 0 || len(k.Secret) > maxSecret {
		return refuse(Invalid, "", "the sealed secret has %d bytes, want 1 to %d", len(k.Secret), maxSecret)
	}
	if n := k.MaxMessage; n != 0 && n < MinMessageLimit || n > MaxMessageLimit {
		return refuse(Invalid, "0 is the default", "max_message is %d, want %d to %d", n, MinMessageLimit, MaxMessageLimit)
	}
	for i, list := range [][]Pattern{k.Pub, k.Sub} {
		if len(list) > maxPatterns {
			return refuse(Invalid, "use prefixes", "%d patterns, at most %d are allowed", len(list), maxPatterns)
		}
		for _, p := range list {
			if err := p.Validate(); err != nil && (i == 0 || p != Audit) {
				return err
			}
		}
	}
	return firstError(checkText("comment", k.Comment, maxText), checkNetworks(k.Networks))
}

func checkNetworks(list []netip.Prefix) error {
	if len(list) > maxNetworks {
		return refuse(Invalid, "", "%d networks, at most %d are allowed", len(list), maxNetworks)
	}
	for _, n := range list {
		if !n.IsValid() || n.Addr().Is4In6() {
			return refuse(Invalid, "write it as 192.0.2.0/24 or 2001:db8::/32", "%q is not a network", n)
		}
	}
	return nil
}

// requireAuthkeyOwner refuses to change an authkey of somebody else.
func (d *draft) requireAuthkeyOwner(id AuthkeyID) error {
	k, ok := d.Authkey(id)
	if !ok {
		return noSuch("authkey", uint64(id))
	}
	return d.requireOwner(k.Owner, "authkey "+k.Ident)
}

func (op EditAuthkey) authorize(d *draft) error { return d.requireAuthkeyOwner(op.Authkey) }

func (op EditAuthkey) apply(d *draft) (uint64, error) {
	old, _ := d.Authkey(op.Authkey)
	k := *old
	if err := d.rotate(&k, op); err != nil {
		return 0, err
	}
	set(&k.Comment, op.Comment)
	set(&k.Enabled, op.Enabled)
	set(&k.MaxMessage, op.MaxMessage)
	setList(&k.Pub, op.Pub)
	setList(&k.Sub, op.Sub)
	setList(&k.Networks, op.Networks)
	if op.Expires != nil {
		k.Expires = canonical(*op.Expires)
	}
	if err := k.check(); err != nil {
		return 0, err
	}
	if op.Expires != nil || k.Enabled && !old.Enabled {
		if err := d.checkExpires(k.Expires); err != nil {
			return 0, err
		}
	}
	d.notDue(old.Expires, due.Authkey, uint64(k.ID))
	d.putAuthkey(&k)
	return uint64(k.ID), nil
}

// rotate gives k a new secret, if there is one in the operation.
func (d *draft) rotate(k *Authkey, op EditAuthkey) error {
	if len(op.Secret) == 0 {
		if !op.OldUntil.IsZero() {
			return refuse(Invalid, "", "only a new secret makes an old one")
		}
		return nil
	}
	old := OldSecret{k.Secret, canonical(op.OldUntil)}
	if k.Old = (OldSecret{}); !old.Until.IsZero() {
		k.Old = old
	}
	k.Secret = slices.Clone(op.Secret)
	return d.checkExpires(k.Old.Until)
}

// OldSecretGood reports whether the secret that k had before may be used at a time.
func (k *Authkey) OldSecretGood(now time.Time) bool { return now.Before(k.Old.Until) }

func setList[T any](to *[]T, from *[]T) {
	if from != nil {
		*to = slices.Clone(*from)
	}
}

func (op RemoveAuthkey) authorize(d *draft) error { return d.requireAuthkeyOwner(op.Authkey) }

func (op RemoveAuthkey) apply(d *draft) (uint64, error) {
	k, _ := d.Authkey(op.Authkey)
	d.dropAuthkey(k)
	return uint64(k.ID), nil
}

func (op RevealAuthkey) authorize(d *draft) error {
	k, ok := d.Authkey(op.Authkey)
	if !ok {
		return noSuch("authkey", uint64(op.Authkey))
	}
	if d.privileged || k.Owner == d.by.User {
		return nil
	}
	return refuse(Denied, "ask them", "only the owner of authkey %s and admins may see its secret", k.Ident)
}

func (op RevealAuthkey) apply(*draft) (uint64, error) { return uint64(op.Authkey), nil }

// checkExpires refuses a time that has passed, or that cannot be written in RFC 3339.
func (d *draft) checkExpires(t time.Time) error {
	if t.IsZero() {
		return nil
	}
	if !t.After(d.at.Time) || t.Year() > 9999 {
		return refuse(Invalid, "choose a later time, or none", "it would expire at %s, and it is %s",
			t.Format(time.RFC3339), d.at.Time.Format(time.RFC3339))
	}
	return nil
}
