package raftfsm

import (
	"context"
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
	"hpfriends/graph"
	"hpfriends/raftfsm/link"
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
			return fmt.Errorf("raftfsm: join token record of %d and %d bytes, want 32 and 8", len(hash), len(v))
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

// NewJoinToken makes a token with which nodes join the cluster until it expires. All members know it on return.
func (n *Node) NewJoinToken(ctx context.Context, life time.Duration) (link.Token, error) {
	if n.cluster == nil {
		return link.Token{}, notClustered()
	}
	port, ok := n.cluster.net.(*link.Port)
	if !ok {
		return link.Token{}, notClustered()
	}
	token, err := link.NewToken(port.Identity(), life)
	if err != nil {
		return token, &graph.Error{Code: graph.Invalid, Msg: strings.TrimPrefix(err.Error(), "link: ")}
	}
	e := entry.Token{Hash: token.Hash(), Time: time.Now(), Expires: token.Expires}
	_, err = n.propose(ctx, e.Encode())
	return token, err
}

// notClustered is the answer of a node that is alone.
func notClustered() error {
	return &graph.Error{
		Code: graph.Conflict, Msg: "this node is alone",
		Hint: "start it with --cluster HOST:PORT --advertise HOST:PORT --bootstrap to make it the first node of a cluster",
	}
}
