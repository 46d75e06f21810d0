package acme

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/raftfsm"
	"hpfriends/raftfsm/apply"
)

// Storage is the vault of a node, as certmagic wants it. It implements certmagic.Storage.
type Storage struct {
	vault  raftfsm.Vault
	key    *secret.DataKey
	now    func() time.Time // by the cluster's clock
	logger *slog.Logger

	mu   sync.Mutex
	held map[string]*lease // by name
}

// lease is a lock that this node holds, and prolongs.
type lease struct {
	holder [16]byte
	stop   context.CancelFunc
	done   chan struct{} // closed when it is prolonged no more
}

const (
	// lockLife is how long a lock outlives the node that held it.
	lockLife = 45 * time.Second
	// prolongEvery is how often a lock is prolonged while it is held.
	prolongEvery = lockLife / 3
	// tryFor is how long a step is tried again while there is no leader, or nobody knows what became of it.
	tryFor = 30 * time.Second
	// tryAgain is the pause before that.
	tryAgain = time.Second
	// tokenWait is how long the answer of a challenge is waited for: another node has put it, and this one may not have
	// applied it when the authority asks.
	tokenWait = 2 * time.Second
)

// NewStorage returns the storage on a vault; what it stores is sealed with key. now is the cluster's clock.
func NewStorage(v raftfsm.Vault, key *secret.DataKey, now func() time.Time, l *slog.Logger) *Storage {
	return &Storage{vault: v, key: key, now: now, logger: l, held: make(map[string]*lease)}
}

// aad binds what is sealed to its name.
func aad(name string) []byte { return []byte("vault " + name) }

// Store implements certmagic.Storage. All nodes have it, or will, on return.
func (s *Storage) Store(ctx context.Context, name string, value []byte) error {
	if name == "" || len(name) > entry.MaxVaultName {
		return fmt.Errorf("acme: a name of %d bytes, want 1 to %d", len(name), entry.MaxVaultName)
	}
	return s.do(ctx, entry.Vault{Step: entry.VaultPut, Name: name, Value: s.key.Seal(value, aad(name))})
}

// Delete implements certmagic.Storage.
func (s *Storage) Delete(ctx context.Context, name string) error {
	if !s.Exists(ctx, name) {
		return nil
	}
	return s.do(ctx, entry.Vault{Step: entry.VaultDelete, Name: name})
}

// do has a step done, and tries again when nobody knows whether it was.
func (s *Storage) do(ctx context.Context, e entry.Vault) error {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	for {
		err := s.vault.Do(ctx, e)
		if !errors.Is(err, raftfsm.ErrUnavailable) && !errors.Is(err, raftfsm.ErrUnknownOutcome) {
			return err
		}
		select {
		case <-time.After(tryAgain):
		case <-ctx.Done():
			return err
		}
	}
}

// Load implements certmagic.Storage. What another data key has sealed is not there: it is of no use.
func (s *Storage) Load(ctx context.Context, name string) ([]byte, error) {
	v, ok := s.vault.Value(name)
	if !ok && strings.Contains(name, "/challenge_tokens/") {
		v, ok = s.await(ctx, name)
	}
	if !ok {
		return nil, missing(name)
	}
	plain, err := s.key.Open(v.Sealed, aad(name))
	if errors.Is(err, secret.ErrSealed) {
		s.logger.Warn("what is kept for certificates was sealed with another data key, and is of no use", "name", name)
		return nil, missing(name)
	}
	return plain, err
}

func missing(name string) error { return fmt.Errorf("acme: %q: %w", name, fs.ErrNotExist) }

// await waits a moment for a value.
func (s *Storage) await(ctx context.Context, name string) (v apply.VaultValue, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, tokenWait)
	defer cancel()
	for {
		changed := s.vault.Changed()
		if v, ok := s.vault.Value(name); ok {
			return v, true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return v, false
		}
	}
}

// Exists implements certmagic.Storage.
func (s *Storage) Exists(ctx context.Context, name string) bool {
	_, err := s.Stat(ctx, name)
	return err == nil
}

// List implements certmagic.Storage: all names below a directory, or what is in it, directories included.
func (s *Storage) List(_ context.Context, dir string, recursive bool) (all []string, err error) {
	prefix := ""
	if dir = strings.Trim(dir, "/"); dir != "" {
		prefix = dir + "/"
	}
	for _, name := range s.vault.Names() {
		rest, below := strings.CutPrefix(name, prefix)
		if !below {
			continue
		}
		if !recursive {
			first, _, _ := strings.Cut(rest, "/")
			name = prefix + first
		}
		all = append(all, name)
	}
	if len(all) == 0 {
		return nil, missing(dir)
	}
	return slices.Compact(all), nil
}

// Stat implements certmagic.Storage.
func (s *Storage) Stat(_ context.Context, name string) (certmagic.KeyInfo, error) {
	if v, ok := s.vault.Value(name); ok {
		return certmagic.KeyInfo{Key: name, Modified: v.Time, Size: int64(len(v.Sealed)), IsTerminal: true}, nil
	}
	for _, other := range s.vault.Names() {
		if strings.HasPrefix(other, name+"/") {
			return certmagic.KeyInfo{Key: name}, nil
		}
	}
	return certmagic.KeyInfo{}, missing(name)
}

// Lock implements certmagic.Storage: it waits until nobody holds the lock. A node that stops without giving its locks
// back loses them after lockLife.
func (s *Storage) Lock(ctx context.Context, name string) error {
	var holder [16]byte
	rand.Read(holder[:])
	for {
		changed := s.vault.Changed()
		now := s.now()
		l, held := s.vault.Lock(name)
		if !held || !l.Expires.After(now) {
			err := s.do(ctx, entry.Vault{Step: entry.VaultLock, Name: name, Holder: holder, Expires: now.Add(lockLife)})
			if err == nil {
				s.hold(name, holder)
				return nil
			}
			if !errors.Is(err, graph.ErrConflict) || errors.Is(err, raftfsm.ErrOlder) {
				return err
			}
			l.Expires = now.Add(tryAgain)
		}
		timer := time.NewTimer(l.Expires.Sub(now) + time.Millisecond)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		timer.Stop()
	}
}

// hold prolongs a lock until Unlock.
func (s *Storage) hold(name string, holder [16]byte) {
	ctx, stop := context.WithCancel(context.Background())
	l := &lease{holder: holder, stop: stop, done: make(chan struct{})}
	s.mu.Lock()
	s.held[name] = l
	s.mu.Unlock()
	go s.prolong(ctx, name, l)
}

func (s *Storage) prolong(ctx context.Context, name string, l *lease) {
	defer close(l.done)
	tick := time.NewTicker(prolongEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		e := entry.Vault{Step: entry.VaultLock, Name: name, Holder: l.holder, Expires: s.now().Add(lockLife)}
		if err := s.vault.Do(ctx, e); err != nil && ctx.Err() == nil {
			s.logger.Warn("the lock on a certificate is not prolonged", "name", name, "err", err)
		}
	}
}

// Unlock implements certmagic.Storage.
func (s *Storage) Unlock(ctx context.Context, name string) error {
	s.mu.Lock()
	l := s.held[name]
	delete(s.held, name)
	s.mu.Unlock()
	if l == nil {
		return fmt.Errorf("acme: this node does not hold the lock %q", name)
	}
	l.stop()
	<-l.done
	return s.do(ctx, entry.Vault{Step: entry.VaultUnlock, Name: name, Holder: l.holder})
}

// Close stops prolonging the locks that are still held: they expire.
func (s *Storage) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, l := range s.held {
		l.stop()
		<-l.done
		delete(s.held, name)
	}
}
