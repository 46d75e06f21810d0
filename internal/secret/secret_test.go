package secret

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const canary = "CANARY-7f3a"

// A secret prints nowhere, however it is nested and whatever prints it.
func TestSecretPrintsNowhere(t *testing.T) {
	type hidden struct{ s Secret } // fmt calls no method on an unexported field
	type shown struct {
		S Secret
		M map[string]Secret
		P *Secret
	}
	s := New(canary)
	all := shown{s, map[string]Secret{"k": s}, &s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		for _, v := range []any{s, &s, all, &all, hidden{s}, []Secret{s}, [1]hidden{{s}}, fmt.Errorf("login: %v", s)} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, v := range []any{s, all, map[string]any{"a": s}} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("m", "s", s, "all", all, slog.Group("g", "s", s))
	}
	for _, trace := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprint([]byte(canary))} {
		if strings.Contains(out.String(), trace) {
			t.Errorf("%q was printed", trace)
		}
	}
	if s.Reveal() != canary || strings.Count(out.String(), Redacted) < 20 {
		t.Errorf("reveals %q, printed %d times as ***", s.Reveal(), strings.Count(out.String(), Redacted))
	}
}

func TestSealedSecretBelongsToItsIdent(t *testing.T) {
	key := newKey(t, 1)
	sealed := key.Seal([]byte(canary), []byte("ada-sensor"))
	if bytes.Contains(sealed, []byte(canary)) || bytes.Equal(sealed, key.Seal([]byte(canary), []byte("ada-sensor"))) {
		t.Fatal("sealing shows the text, or gives the same twice")
	}
	if plain, err := key.Open(sealed, []byte("ada-sensor")); err != nil || string(plain) != canary {
		t.Fatalf("opened %q, %v", plain, err)
	}
	refuse := func(what string, k *DataKey, sealed []byte, ident string) {
		if plain, err := k.Open(sealed, []byte(ident)); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: opened %q, %v", what, plain, err)
		}
	}
	refuse("another ident", key, sealed, "bob-sensor")
	refuse("another key", newKey(t, 2), sealed, "ada-sensor")
	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 1
		refuse(fmt.Sprintf("byte %d altered", i), key, altered, "ada-sensor")
		refuse(fmt.Sprintf("cut to %d bytes", i), key, sealed[:i], "ada-sensor")
	}
	if s := fmt.Sprintf("%v %+v %#v", key, key, *key); s != "*** *** ***" {
		t.Errorf("the key prints as %s", s)
	}
}

// What an earlier version has sealed is opened: version (1), nonce (12), text, tag (16), by AES-256-GCM.
func TestSealedBeforeIsOpened(t *testing.T) {
	sealed, err := hex.DecodeString("017477656c7665206279746573dce586ab28cc2ad706310de3d7e4609294c1a0cabee3")
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := newKey(t, 1).Open(sealed, []byte("ada-sensor")); err != nil || string(plain) != "secret" {
		t.Errorf("opened %q, %v", plain, err)
	}
}

func newKey(t *testing.T, fill byte) *DataKey {
	t.Helper()
	key, err := NewDataKey(bytes.Repeat([]byte{fill}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestDataKeyIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	first, err := LoadOrCreate(dir)
	if err != nil {
		t.Fatal(err)
	}
	sealed := first.Seal([]byte(canary), nil)
	info, err := os.Stat(filepath.Join(dir, KeyFile))
	if err != nil || info.Mode().Perm() != 0o400 || info.Size() != 32 {
		t.Errorf("data.key: %v, %v", info, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
	second, err := LoadOrCreate(dir)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := second.Open(sealed, nil); err != nil || string(plain) != canary {
		t.Errorf("after loading again: %q, %v", plain, err)
	}
}

// A key that belongs to other data, or that others know, is worse than none: the server must not start with it.
func TestDataKeyIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(dir, path string) error{
		"missing beside a log": func(dir, path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(filepath.Join(dir, "log"), 0o700))
		},
		"cut short":          func(_, path string) error { return errors.Join(os.Chmod(path, 0o600), os.Truncate(path, 31)) },
		"readable by others": func(_, path string) error { return os.Chmod(path, 0o440) },
	} {
		dir := t.TempDir()
		if _, err := LoadOrCreate(dir); err != nil {
			t.Fatal(err)
		}
		if err := spoil(dir, filepath.Join(dir, KeyFile)); err != nil {
			t.Fatal(err)
		}
		key, err := LoadOrCreate(dir)
		if err == nil {
			t.Errorf("%s: took %v", name, key)
		} else if !strings.Contains(err.Error(), KeyFile) {
			t.Errorf("%s: the error does not name the file: %v", name, err)
		}
	}
}

func TestRandomValuesAreStrongAndDistinct(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		for _, s := range []string{NewPassphrase().Reveal(), NewToken().Reveal(), NewIdent()} {
			if seen[s] || strings.ContainsAny(s, "+/= \n") {
				t.Fatalf("%q came twice, or is not URL-safe", s)
			}
			seen[s] = true
		}
	}
	token := NewToken()
	if n := len(token.Reveal()) - len(TokenPrefix); !strings.HasPrefix(token.Reveal(), TokenPrefix) || n*6 < 256 {
		t.Errorf("a token has %d bits", n*6)
	}
	if n := len(NewPassphrase().Reveal()); n*6 < 128 {
		t.Errorf("a passphrase has %d bits", n*6)
	}
	if bytes.Equal(HashToken(token), HashToken(NewToken())) || len(HashToken(token)) != 32 {
		t.Error("hashes of tokens")
	}
}
