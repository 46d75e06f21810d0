package link

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"
	"unicode"

	"hpfriends/internal/secret"
)

const (
	// tokenPrefix makes a token findable by those who search for leaked secrets, and by people.
	tokenPrefix = "hpfjoin1"
	tokenSize   = 16 + sha256.Size + secretSize + 8 + 4
	secretSize  = 16
	// MaxTokenLife bounds NewToken.
	MaxTokenLife = 7 * 24 * time.Hour
)

var (
	tokenText  = base32.StdEncoding.WithPadding(base32.NoPadding)
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// Token lets whoever holds it join nodes to a cluster until it expires, one if nothing else was said. It prints as ***.
type Token struct {
	Cluster   string
	Authority [sha256.Size]byte // Authority.Fingerprint: the joiner's proof that it talks to the cluster
	Expires   time.Time

	secret [secretSize]byte
}

// NewToken makes a token of the identity's cluster. The caller keeps Hash and Expires where all members see them.
func NewToken(i *Identity, life time.Duration) (Token, error) {
	if life < time.Minute || life > MaxTokenLife {
		return Token{}, fmt.Errorf("link: a token lives between 1m and %v, not %v", MaxTokenLife, life)
	}
	t := Token{Cluster: i.Cluster, Authority: i.authority.Fingerprint(),
		Expires: i.now().Add(life).Truncate(time.Second).UTC()}
	rand.Read(t.secret[:])
	return t, nil
}

// Hash is what members keep of a token: it identifies the token, and does not let anyone join.
func (t Token) Hash() [sha256.Size]byte { return hashSecret(t.secret[:]) }

func hashSecret(s []byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte("hpfriends join token\x00"), s...))
}

// Check refuses a token that is over, or of another cluster than want; an empty want is any.
func (t Token) Check(now time.Time, want string) error {
	if want != "" && t.Cluster != want {
		return fmt.Errorf("%w: the token is of cluster %s, this node of %s", ErrForeign, t.Cluster, want)
	}
	if !now.Before(t.Expires) {
		return fmt.Errorf("%w (at %s)", ErrTokenExpired, t.Expires.UTC().Format(time.RFC3339))
	}
	return nil
}

// Reveal is the token's text: lower case letters and digits only, so that one click selects it whole.
//
//	"hpfjoin1" base32( cluster id 16 | SHA-256 of the authority 32 | secret 16 | expiry, unix s, u64
//	| CRC32C of all before )
func (t Token) Reveal() string {
	raw, _ := hex.DecodeString(t.Cluster)
	raw = append(raw, t.Authority[:]...)
	raw = append(raw, t.secret[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(t.Expires.Unix()))
	raw = binary.BigEndian.AppendUint32(raw, crc32.Checksum(raw, castagnoli))
	return tokenPrefix + strings.ToLower(tokenText.EncodeToString(raw))
}

// Format implements fmt.Formatter.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secret.Redacted) }

// MarshalJSON keeps the token out of what is printed as JSON.
func (Token) MarshalJSON() ([]byte, error) { return []byte(`"` + secret.Redacted + `"`), nil }

// ParseToken reads what Reveal made. Case, line breaks and blanks that copying added do not matter. It does not look at
// the expiry: see Check. No error repeats the text.
func ParseToken(text string) (Token, error) {
	if len(text) > 1024 {
		return Token{}, fmt.Errorf("%w: it has %d characters", ErrTokenMalformed, len(text))
	}
	text = strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text))
	body, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok {
		return Token{}, fmt.Errorf("%w: it begins with %s", ErrTokenMalformed, tokenPrefix)
	}
	if want := tokenText.EncodedLen(tokenSize); len(body) != want {
		return Token{}, fmt.Errorf("%w: it has %d characters, want %d", ErrTokenMalformed, len(text), want+len(tokenPrefix))
	}
	raw, err := tokenText.DecodeString(strings.ToUpper(body))
	if err != nil {
		return Token{}, fmt.Errorf("%w: there are only letters and the digits 2 to 7 in it", ErrTokenMalformed)
	}
	t := Token{Cluster: hex.EncodeToString(raw[:16])}
	raw = raw[16+copy(t.Authority[:], raw[16:]):]
	raw = raw[copy(t.secret[:], raw):]
	t.Expires = time.Unix(int64(binary.BigEndian.Uint64(raw)), 0).UTC()
	if t.Reveal() != text { // the checksum, and the spare bits of the last character
		return Token{}, fmt.Errorf("%w: a character is wrong (the checksum differs)", ErrTokenMalformed)
	}
	return t, nil
}
