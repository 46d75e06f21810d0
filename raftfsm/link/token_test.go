package link

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func newToken(t testing.TB, id *Identity) Token {
	t.Helper()
	token, err := NewToken(id, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokenSurvivesCopyAndPaste(t *testing.T) {
	token := newToken(t, bootstrap(t, clusterA, "n1"))
	text := token.Reveal()
	for _, copied := range []string{
		text, strings.ToUpper(text), "  " + text + "\n", text[:40] + "\r\n    " + text[40:], text[:8] + "\u00a0" + text[8:],
	} {
		got, err := ParseToken(copied)
		if err != nil || got != token {
			t.Errorf("ParseToken(%q) = %+v, %v", copied, got.Expires, err)
		}
	}
}

func TestTokenWithAnyOneCharacterWrongIsRefused(t *testing.T) {
	text := newToken(t, bootstrap(t, clusterA, "n1")).Reveal()
	for i := range text {
		for _, c := range "abkz27019-" {
			if byte(c) == text[i] {
				continue
			}
			if _, err := ParseToken(text[:i] + string(c) + text[i+1:]); !errors.Is(err, ErrTokenMalformed) {
				t.Fatalf("character %d of %d replaced by %c: %v", i, len(text), c, err)
			}
		}
		if _, err := ParseToken(text[:i] + text[i+1:]); !errors.Is(err, ErrTokenMalformed) {
			t.Fatalf("character %d missing: %v", i, err)
		}
		if i > 0 && text[i-1] != text[i] {
			if _, err := ParseToken(text[:i-1] + text[i:i+1] + text[i-1:i] + text[i+1:]); !errors.Is(err, ErrTokenMalformed) {
				t.Fatalf("characters %d and %d swapped: %v", i-1, i, err)
			}
		}
	}
}

func TestTokenNamesWhatIsWrong(t *testing.T) {
	id := bootstrap(t, clusterA, "n1")
	token := newToken(t, id)
	if err := token.Check(time.Now(), clusterA); err != nil {
		t.Error(err)
	}
	if err := token.Check(token.Expires, ""); !errors.Is(err, ErrTokenExpired) {
		t.Errorf("at its expiry: %v", err)
	}
	if err := token.Check(time.Now(), clusterB); !errors.Is(err, ErrForeign) {
		t.Errorf("in another cluster: %v", err)
	}
	for _, life := range []time.Duration{0, -time.Hour, MaxTokenLife + 1} {
		if _, err := NewToken(id, life); err == nil {
			t.Errorf("a token of %v was made", life)
		}
	}
}

func TestTokenDoesNotPrint(t *testing.T) {
	token := newToken(t, bootstrap(t, clusterA, "n1"))
	j, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	_, parse := ParseToken(token.Reveal() + "x")
	out := fmt.Sprintf("%v %+v %#v %s %x %v %s %v", token, token, token, token, token, &token, j, parse)
	secret := fmt.Sprintf("%x", token.secret)
	if strings.Contains(out, secret) || strings.Contains(out, token.Reveal()[60:90]) || strings.Count(out, "***") != 7 {
		t.Errorf("printed: %s", out)
	}
}

func FuzzParseToken(f *testing.F) {
	id := bootstrap(f, clusterA, "n1")
	f.Add(newToken(f, id).Reveal())
	f.Add(tokenPrefix)
	f.Add(strings.Repeat("a", 130))
	f.Fuzz(func(t *testing.T, text string) {
		token, err := ParseToken(text)
		if err != nil {
			if !errors.Is(err, ErrTokenMalformed) {
				t.Fatalf("unnamed error: %v", err)
			}
			return
		}
		if again, err := ParseToken(token.Reveal()); err != nil || again != token {
			t.Fatalf("%q is read as another token the second time", text)
		}
	})
}
