package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// TokenPrefix begins every API token, so that one can be recognised where it should not be.
const TokenPrefix = "hpf_"

// NewIdent is a random ident: 12 hexadecimal digits, which every client takes.
func NewIdent() string {
	b := make([]byte, 6)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// NewPassphrase is the secret of an authkey: 192 random bits, URL-safe. An observer of the login can guess offline, so
// it must not be guessable.
func NewPassphrase() Secret { return New(random(24)) }

// NewToken is an API token of 256 random bits.
func NewToken() Secret { return New(TokenPrefix + random(32)) }

// NewSession is the secret of a login session, or of a link that lets somebody in: 256 random bits, URL-safe.
func NewSession() Secret { return New(random(32)) }

// HashToken is what is stored of a token or a session. A plain SHA-256 does for 256 random bits.
func HashToken(token Secret) []byte {
	sum := sha256.Sum256([]byte(token.Reveal()))
	return sum[:]
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
