package graph

import (
	"crypto/sha256"
	"iter"
	"slices"
)

// Token returns the API token with this ID.
func (c *credentials) Token(id TokenID) (*Token, bool) {
	t, ok := c.tokens.Find(uint64(id))
	return t, ok && !t.Session
}

// TokenByHash returns the API token with this SHA-256.
func (c *credentials) TokenByHash(hash []byte) (*Token, bool) {
	t, ok := c.hashes.Find(string(hash))
	return t, ok && !t.Session
}

// TokensOf yields the API tokens of a user in the order of their creation.
func (c *credentials) TokensOf(user UserID) iter.Seq[*Token] {
	return sessions(lookUp(c.tokensOf.Of(uint64(user)), c.tokens), false)
}

func (d *draft) putToken(t *Token) {
	d.tokens.Put(d.edit, uint64(t.ID), t)
	d.hashes.Put(d.edit, string(t.Hash), t)
	d.tokensOf.Add(d.edit, uint64(t.Owner), uint64(t.ID))
	d.due(t.Expires, dueToken, uint64(t.ID))
}

func (d *draft) dropToken(t *Token) {
	d.tokens.Remove(d.edit, uint64(t.ID))
	d.hashes.Remove(d.edit, string(t.Hash))
	d.tokensOf.Drop(d.edit, uint64(t.Owner), uint64(t.ID))
	d.notDue(t.Expires, dueToken, uint64(t.ID))
}

func (op AddToken) authorize(d *draft) error { return d.authorizeOwner(op.Owner) }

func (op AddToken) apply(d *draft) (uint64, error) {
	t := &Token{
		ID: TokenID(d.at.Index), Owner: d.owner(op.Owner), Hash: slices.Clone(op.Hash), Comment: op.Comment,
		Expires: canonical(op.Expires), Created: d.at,
	}
	if err := firstError(checkText("comment", t.Comment, maxText), d.checkToken(t)); err != nil {
		return 0, err
	}
	d.putToken(t)
	return uint64(t.ID), nil
}

// checkToken refuses what cannot be an API token or a login session.
func (d *draft) checkToken(t *Token) error {
	if len(t.Hash) != sha256.Size {
		return refuse(Invalid, "", "the token's hash has %d bytes, want %d", len(t.Hash), sha256.Size)
	}
	if d.hashes.Has(string(t.Hash)) {
		return refuse(Conflict, "make a new one", "there is such a token already")
	}
	return d.checkExpires(t.Expires)
}

func (op RemoveToken) authorize(d *draft) error {
	t, ok := d.Token(op.Token)
	if !ok {
		return noSuch("token", uint64(op.Token))
	}
	return d.requireOwner(t.Owner, "a token of "+d.handle(t.Owner))
}

func (op RemoveToken) apply(d *draft) (uint64, error) {
	t, _ := d.Token(op.Token)
	d.dropToken(t)
	return uint64(t.ID), nil
}
