package secret

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A hash of the password "correct horse" with low cost, made by the argon2 command of the reference implementation's
// format: tests of the format need not pay for 64 MiB.
func cheap(t *testing.T, password string) string {
	t.Helper()
	p := phc{memory: 64, time: 1, threads: 1, salt: []byte("somesalt01234567")}
	p.hash = p.compute(New(password), 32)
	return p.String()
}

func TestPasswordHash(t *testing.T) {
	ctx := t.Context()
	h := NewHasher()
	hash, err := h.Hash(ctx, New(canary))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=1$") || strings.Contains(hash, canary) {
		t.Errorf("hash is %s", hash)
	}
	for password, want := range map[string]bool{canary: true, canary + " ": false, "": false} {
		if ok, err := h.Verify(ctx, hash, New(password)); ok != want || err != nil {
			t.Errorf("%q: %v, %v", password, ok, err)
		}
	}
	if again, _ := h.Hash(ctx, New(canary)); again == hash {
		t.Error("two hashes of one password are equal: there is no salt")
	}
}

// The vector is that of the Argon2 reference implementation's test suite for argon2id, version 19.
func TestPasswordHashAgreesWithTheReference(t *testing.T) {
	const vector = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if ok, err := NewHasher().Verify(t.Context(), vector, New("password")); !ok || err != nil {
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
		if ok, err := NewHasher().Verify(t.Context(), hash, New("x")); ok || err == nil {
			t.Errorf("%s: %v, %v", hash, ok, err)
		}
	}
	if ok, err := NewHasher().Verify(t.Context(), good, New("x")); !ok || err != nil {
		t.Fatalf("the unspoiled hash: %v, %v", ok, err)
	}
}

// An account without a password lets nobody in, not even with the empty one.
func TestNoPasswordIsNoPassword(t *testing.T) {
	if ok, err := NewHasher().Verify(t.Context(), "", New("")); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

// While all turns are taken, a login waits and gives up with its request: memory stays bounded.
func TestHashingIsBounded(t *testing.T) {
	h := &Hasher{queue{free: 1}}
	if err := h.queue.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, New("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("a second hash: %v", err)
	}
	h.queue.give()
	if ok, err := h.Verify(t.Context(), cheap(t, "x"), New("x")); !ok || err != nil {
		t.Errorf("after the first has ended: %v, %v", ok, err)
	}
}
