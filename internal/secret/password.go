package secret

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Parameters of new hashes (RFC 9106, second recommendation): 64 MiB, three passes. Each hash carries its own.
const (
	memoryKiB = 64 << 10
	passes    = 3
	lanes     = 1
	saltLen   = 16
	hashLen   = 32
)

// hashing bounds the memory that logins take at once.
var hashing = make(chan struct{}, max(1, runtime.NumCPU()))

func derive(password string, salt []byte, m, t uint32, p uint8, n uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, t, m, p, n)
}

// HashPassword returns a PHC string: $argon2id$v=19$m=65536,t=3,p=1$salt$hash.
func HashPassword(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt)
	h := derive(password, salt, memoryKiB, passes, lanes, hashLen)
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, lanes, enc(salt), enc(h))
}

// VerifyPassword compares in constant time. A malformed or empty hash takes as long as a wrong password.
func VerifyPassword(phc, password string) bool {
	m, t, p, salt, want, ok := parse(phc)
	if !ok {
		m, t, p, salt, want = memoryKiB, passes, lanes, make([]byte, saltLen), make([]byte, hashLen)
	}
	got := derive(password, salt, m, t, p, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && ok
}

func parse(phc string) (m, t uint32, p uint8, salt, hash []byte, ok bool) {
	f := strings.Split(phc, "$")
	if len(f) != 6 || f[1] != "argon2id" || f[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return
	}
	if _, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &m, &t, &p); err != nil {
		return
	}
	if m < 8 || m > 1<<20 || t < 1 || t > 16 || p < 1 || p > 16 { // ours, or a damaged record
		return
	}
	var err1, err2 error
	salt, err1 = base64.RawStdEncoding.DecodeString(f[4])
	hash, err2 = base64.RawStdEncoding.DecodeString(f[5])
	return m, t, p, salt, hash, err1 == nil && err2 == nil && len(salt) >= 8 && len(hash) >= 16 && len(hash) <= 64
}
