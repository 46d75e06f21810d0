package apply

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// joinTokens are the hashes of the tokens that let nodes join, on every member, since a joiner may ask any.
//
//	SpaceMeta: "join-token/" | hash (32) -> expiry (8, unix seconds)
type joinTokens struct {
	mu      sync.Mutex
	expires map[[sha256.Size]byte]int64
}

const (
	joinTokenPrefix = "join-token/"
	maxJoinTokens   = 1000
)

func joinTokenKey(hash [sha256.Size]byte) []byte { return append([]byte(joinTokenPrefix), hash[:]...) }

func loadTokens(log *eventlog.Log) (*joinTokens, error) {
	t := &joinTokens{expires: make(map[[sha256.Size]byte]int64)}
	after := strings.TrimSuffix(joinTokenPrefix, "/") + "0" // the byte after "/"
	err := log.Scan(eventlog.SpaceMeta, []byte(joinTokenPrefix), []byte(after), func(k, v []byte) error {
		hash := k[len(joinTokenPrefix):]
		if len(hash) != sha256.Size || len(v) != 8 {
			return fmt.Errorf("apply: join token record of %d and %d bytes, want 32 and 8", len(hash), len(v))
		}
		t.expires[[sha256.Size]byte(hash)] = int64(binary.BigEndian.Uint64(v))
		return nil
	})
	return t, err
}

// apply adds a token, and forgets those that are over by the entry's time. Of too many, those that expire first go.
func (t *joinTokens) apply(tx *eventlog.Tx, data []byte) error {
	e, err := entry.DecodeToken(data)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expires[e.Hash] = e.Expires.Unix()
	tx.Put(eventlog.SpaceMeta, joinTokenKey(e.Hash), binary.BigEndian.AppendUint64(nil, uint64(e.Expires.Unix())))
	byExpiry := slices.SortedFunc(maps.Keys(t.expires), func(a, b [sha256.Size]byte) int {
		if d := t.expires[a] - t.expires[b]; d != 0 {
			return int(d)
		}
		return strings.Compare(string(a[:]), string(b[:]))
	})
	for i, hash := range byExpiry {
		if t.expires[hash] <= e.Time.Unix() || i < len(byExpiry)-maxJoinTokens {
			delete(t.expires, hash)
			tx.Delete(eventlog.SpaceMeta, joinTokenKey(hash))
		}
	}
	return nil
}

func (t *joinTokens) get(hash [sha256.Size]byte) (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.expires[hash]
	return time.Unix(at, 0), ok
}

// replace takes the tokens of another.
func (t *joinTokens) replace(now *joinTokens) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expires = now.expires
}
