package apply

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// joinTokens are the hashes of the tokens that let nodes join, on every member, since a joiner may ask any. A token is
// kept for a while after its end, so that a refusal can say why, and people see who joined with it.
//
//	SpaceMeta: "join-token/" | hash (32) -> JoinToken as JSON
type joinTokens struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]JoinToken
}

// JoinToken is what is known of a token that lets nodes join. It is immutable. Times are in Unix seconds.
type JoinToken struct {
	Hash    [sha256.Size]byte `json:"-"`
	Made    int64             `json:"made"`
	By      string            `json:"by"` // the user who made it
	Expires int64             `json:"expires"`
	Uses    int               `json:"uses"` // how many nodes may join with it
	Used    []TokenUse        `json:"used,omitempty"`
	Removed int64             `json:"removed,omitempty"`
	Remover string            `json:"remover,omitempty"`
}

// TokenUse is a node that a token let in.
type TokenUse struct {
	Node string `json:"node"`
	Time int64  `json:"time"`
}

// TokenState says what a token is good for.
type TokenState string

// The states of a token. One that is used is still good for the nodes that used it, until they are members: what they
// were answered may have been lost on the way.
const (
	TokenGood    TokenState = "good"
	TokenUsed    TokenState = "used"
	TokenRemoved TokenState = "removed"
	TokenExpired TokenState = "expired"
)

const (
	joinTokenPrefix = "join-token/"
	maxJoinTokens   = 1000
	// joinTokenKept is for how long a token is known after its end.
	joinTokenKept = 7 * 24 * time.Hour
)

// ID is by what people name a token. It does not let anyone join.
func (t JoinToken) ID() string { return hex.EncodeToString(t.Hash[:6]) }

// State is what a token is good for at a time, for a node that has not used it.
func (t JoinToken) State(now time.Time) TokenState {
	switch {
	case t.Removed != 0:
		return TokenRemoved
	case t.Expires <= now.Unix():
		return TokenExpired
	case len(t.Used) >= t.Uses:
		return TokenUsed
	}
	return TokenGood
}

// UsedBy reports whether a node has used the token.
func (t JoinToken) UsedBy(node string) bool {
	return slices.ContainsFunc(t.Used, func(u TokenUse) bool { return u.Node == node })
}

func joinTokenKey(hash [sha256.Size]byte) []byte { return append([]byte(joinTokenPrefix), hash[:]...) }

func loadTokens(log *eventlog.Log) (*joinTokens, error) {
	t := &joinTokens{all: make(map[[sha256.Size]byte]JoinToken)}
	after := strings.TrimSuffix(joinTokenPrefix, "/") + "0" // the byte after "/"
	err := log.Scan(eventlog.SpaceMeta, []byte(joinTokenPrefix), []byte(after), func(k, v []byte) error {
		hash := k[len(joinTokenPrefix):]
		if len(hash) != sha256.Size {
			return fmt.Errorf("apply: join token of a hash of %d bytes, want %d", len(hash), sha256.Size)
		}
		stored := JoinToken{Hash: [sha256.Size]byte(hash)}
		if err := json.Unmarshal(v, &stored); err != nil {
			return fmt.Errorf("apply: stored join token: %w", err)
		}
		t.all[stored.Hash] = stored
		return nil
	})
	return t, err
}

// apply does what happens to a token, if that may happen to it by the entry's time, and forgets those that are long
// over.
func (t *joinTokens) apply(tx *eventlog.Tx, data []byte) error {
	e, err := entry.DecodeToken(data)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old, known := t.all[e.Hash]
	if next, ok := stepped(old, known, e); ok {
		t.all[e.Hash] = next
		if err := putJSON(tx, eventlog.SpaceMeta, joinTokenKey(e.Hash), next); err != nil {
			return err
		}
	}
	t.forget(tx, e.Time)
	return nil
}

// stepped is a token after an entry; it is not ok when the entry changes nothing.
func stepped(old JoinToken, known bool, e *entry.Token) (next JoinToken, ok bool) {
	next = old
	switch e.Step {
	case entry.TokenMade:
		return JoinToken{
			Hash: e.Hash, Made: e.Time.Unix(), By: e.By, Expires: e.Expires.Unix(), Uses: e.Uses,
		}, !known
	case entry.TokenUsed:
		next.Used = append(slices.Clone(old.Used), TokenUse{e.By, e.Time.Unix()})
		return next, known && old.State(e.Time) == TokenGood && !old.UsedBy(e.By)
	case entry.TokenRemoved:
		next.Removed, next.Remover = e.Time.Unix(), e.By
		return next, known && old.Removed == 0
	}
	return old, false
}

// forget drops what has been over for long, and of too many those that expire first.
func (t *joinTokens) forget(tx *eventlog.Tx, now time.Time) {
	for i, token := range t.list() {
		if token.Expires <= now.Add(-joinTokenKept).Unix() || i < len(t.all)-maxJoinTokens {
			delete(t.all, token.Hash)
			tx.Delete(eventlog.SpaceMeta, joinTokenKey(token.Hash))
		}
	}
}

// list is all tokens by expiry.
func (t *joinTokens) list() []JoinToken {
	all := make([]JoinToken, 0, len(t.all))
	for _, token := range t.all {
		all = append(all, token)
	}
	slices.SortFunc(all, func(a, b JoinToken) int {
		return cmp.Or(cmp.Compare(a.Expires, b.Expires), strings.Compare(string(a.Hash[:]), string(b.Hash[:])))
	})
	return all
}

func (t *joinTokens) get(hash [sha256.Size]byte) (JoinToken, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	token, ok := t.all[hash]
	return token, ok
}

// replace takes the tokens of another.
func (t *joinTokens) replace(now *joinTokens) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = now.all
}
