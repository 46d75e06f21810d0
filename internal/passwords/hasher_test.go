package passwords

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"hpfriends/internal/secret"
)

// A hash of the password "correct horse" with low cost, made by the argon2 command of the reference implementation's
// format: tests of the format need not pay for 64 MiB.
func cheap(t *testing.T, password string) string {
	t.Helper()
	p := phc{memory: 64, time: 1, threads: 1, salt: []byte("somesalt01234567")}
	p.hash = job{[]byte(password), p.salt, p.memory, p.time, p.threads, 32}.compute()
	return p.String()
}

func quiet() *Hasher { return NewHasher(slog.New(slog.DiscardHandler)) }

const typed = "one-horse-two-batteries"

func TestPasswordHash(t *testing.T) {
	ctx := t.Context()
	h := quiet()
	hash, err := h.Hash(ctx, secret.New(typed))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=1$") || strings.Contains(hash, typed) {
		t.Errorf("hash is %s", hash)
	}
	for password, want := range map[string]bool{typed: true, typed + " ": false, "": false} {
		if ok, err := h.Verify(ctx, hash, secret.New(password)); ok != want || err != nil {
			t.Errorf("%q: %v, %v", password, ok, err)
		}
	}
	if again, _ := h.Hash(ctx, secret.New(typed)); again == hash {
		t.Error("two hashes of one password are equal: there is no salt")
	}
}

// The vector is that of the Argon2 reference implementation's test suite for argon2id, version 19.
func TestPasswordHashAgreesWithTheReference(t *testing.T) {
	const vector = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if ok, err := quiet().Verify(t.Context(), vector, secret.New("password")); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestHostileHashIsNotComputed(t *testing.T) {
	good := cheap(t, "x")
	for _, hash := range []string{
		"x", "$argon2i$" + good[10:], strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=64", "m=4294967295", 1),
		strings.Replace(good, "t=1", "t=4000000000", 1), strings.Replace(good, "t=1", "t=0", 1),
		strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=1,x=2", 1), good + "$", good[:len(good)-30], strings.Replace(good, "m=64", "m=-1", 1),
	} {
		if ok, err := quiet().Verify(t.Context(), hash, secret.New("x")); ok || err == nil {
			t.Errorf("%s: %v, %v", hash, ok, err)
		}
	}
	if ok, err := quiet().Verify(t.Context(), good, secret.New("x")); !ok || err != nil {
		t.Fatalf("the unspoiled hash: %v, %v", ok, err)
	}
}

// An account without a password lets nobody in, not even with the empty one.
func TestNoPasswordIsNoPassword(t *testing.T) {
	if ok, err := quiet().Verify(t.Context(), "", secret.New("")); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

// While all turns are taken, a login waits and gives up with its request: memory stays bounded.
func TestHashingIsBounded(t *testing.T) {
	h := quiet()
	h.queue.free = 1
	give, err := h.queue.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, secret.New("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("a second hash: %v", err)
	}
	give()
	if ok, err := h.Verify(t.Context(), cheap(t, "x"), secret.New("x")); !ok || err != nil {
		t.Errorf("after the first has ended: %v, %v", ok, err)
	}
}
