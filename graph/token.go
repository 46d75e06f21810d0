package graph

import (
	"crypto/sha256"
	"iter"
	"slices"
	"time"

	"hpfriends/graph/due"
	"hpfriends/graph/scope"
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
	d.due(t.Expires, due.Token, uint64(t.ID))
}

func (d *draft) dropToken(t *Token) {
	d.tokens.Remove(d.edit, uint64(t.ID))
	d.hashes.Remove(d.edit, string(t.Hash))
	d.tokensOf.Drop(d.edit, uint64(t.Owner), uint64(t.ID))
	d.notDue(t.Expires, due.Token, uint64(t.ID))
}

func (op AddToken) authorize(d *draft) error { return d.authorizeOwner(op.Owner) }

func (op AddToken) apply(d *draft) (uint64, error) {
	t := &Token{
		ID: TokenID(d.at.Index), Owner: d.owner(op.Owner), Hash: slices.Clone(op.Hash), Comment: op.Comment,
		Expires: canonical(op.Expires), Created: d.at, Grant: op.Grant,
	}
	if err := firstError(checkText("comment", t.Comment, maxText), d.checkToken(t), d.checkGrant(t)); err != nil {
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

// checkGrant refuses an API token that is good for more than the one that asks for it, or for longer, and a member's
// that lasts for ever.
func (d *draft) checkGrant(t *Token) error {
	g := t.Grant
	if err := g.Validate(); err != nil {
		return refuse(Invalid, "", "%s", err)
	}
	if g.Channel != "" {
		if err := Pattern(g.Channel).Validate(); err != nil {
			return err
		}
	}
	if g.Authkey != "" {
		if err := ValidateIdent(g.Authkey); err != nil {
			return err
		}
	}
	most := d.at.Time.Add(scope.MaxLife)
	if !d.privileged && (t.Expires.IsZero() || t.Expires.After(most)) {
		return refuse(Denied, "ask an admin to add one that does", "a member's token does not last after %s",
			most.Format(time.RFC3339))
	}
	by, ok := d.Token(d.by.Token)
	covers := func(all, part string) bool { return Pattern(all).Covers(Pattern(part)) }
	switch {
	case !ok:
	case !g.Within(by.Grant, covers):
		return refuse(Denied, "log in with the password", "the token that asks is for: %s", by.Grant)
	case !by.Expires.IsZero() && (t.Expires.IsZero() || t.Expires.After(by.Expires)):
		return refuse(Denied, "log in with the password", "the token that asks ends at %s",
			by.Expires.Format(time.RFC3339))
	}
	return nil
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

// maxSessions is how many login sessions a user has at most. Who logs in once more ends the oldest.
const maxSessions = 50

// SessionByHash returns the login session whose secret has this SHA-256.
func (c *credentials) SessionByHash(hash []byte) (*Token, bool) {
	t, ok := c.hashes.Find(string(hash))
	return t, ok && t.Session
}

// Session returns the login session with this ID.
func (c *credentials) Session(id TokenID) (*Token, bool) {
	t, ok := c.tokens.Find(uint64(id))
	return t, ok && t.Session
}

// Sessions yields all login sessions in the order of their creation.
func (c *credentials) Sessions() iter.Seq[*Token] { return sessions(values(c.tokens), true) }

// SessionsOf yields the login sessions of a user in the order of their creation.
func (c *credentials) SessionsOf(user UserID) iter.Seq[*Token] {
	return sessions(lookUp(c.tokensOf.Of(uint64(user)), c.tokens), true)
}

// sessions yields those of the tokens that are login sessions, or those that are not.
func sessions(all iter.Seq[*Token], are bool) iter.Seq[*Token] {
	return func(yield func(*Token) bool) {
		for t := range all {
			if t.Session == are && !yield(t) {
				return
			}
		}
	}
}

func (op AddSession) authorize(d *draft) error { return d.requireUser("a login session is a user's") }

func (op AddSession) apply(d *draft) (uint64, error) {
	t := &Token{
		ID: TokenID(d.at.Index), Owner: d.by.User, Hash: slices.Clone(op.Hash), Expires: canonical(op.Expires),
		Created: d.at, Session: true, From: d.by.From, Agent: op.Agent,
	}
	if t.Expires.IsZero() {
		return 0, refuse(Invalid, "say when", "a login session must expire")
	}
	err := firstError(d.checkToken(t), checkText("address", t.From, MaxName), checkText("user agent", t.Agent, maxText))
	if err != nil {
		return 0, err
	}
	own := slices.Collect(d.SessionsOf(t.Owner))
	for _, old := range own[:max(0, len(own)+1-maxSessions)] {
		d.dropToken(old)
	}
	d.putToken(t)
	return uint64(t.ID), nil
}

func (op RemoveSession) authorize(d *draft) error {
	t, ok := d.Session(op.Session)
	if !ok {
		return noSuch("login session", uint64(op.Session))
	}
	return d.requireOwner(t.Owner, "a login session of "+d.handle(t.Owner))
}

func (op RemoveSession) apply(d *draft) (uint64, error) {
	t, _ := d.Session(op.Session)
	d.dropToken(t)
	return uint64(t.ID), nil
}

func (op ClearSessions) authorize(d *draft) error { return d.requireSelf(op.User) }

func (op ClearSessions) apply(d *draft) (uint64, error) {
	if !d.dropSessions(op.User, d.by.Session) {
		return 0, refuse(Conflict, "", "%s has no login session to end", d.handle(op.User))
	}
	return uint64(op.User), nil
}

// dropSessions ends the login sessions of a user but one, and reports whether there was any.
func (d *draft) dropSessions(user UserID, but TokenID) (found bool) {
	for _, t := range slices.Collect(d.SessionsOf(user)) {
		if t.ID != but {
			d.dropToken(t)
			found = true
		}
	}
	return found
}
