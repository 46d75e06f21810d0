package passwords

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"

	"hpfriends/internal/secret"
)

// The cost of a new hash: 64 MiB, 3 passes, as RFC 9106 names for what has not more memory; but one lane instead of 4,
// so that it takes one processor from those who publish, for longer.
const (
	argonMemory  = 64 << 10 // KiB
	argonTime    = 3
	argonThreads = 1
	argonSalt    = 16
	argonHash    = 32
)

// Limits of a stored hash that is still computed: a hostile one must not take the memory.
const (
	maxArgonMemory = 256 << 10 // KiB
	maxArgonTime   = 16
)

var errHash = errors.New("passwords: malformed password hash")

// Hasher hashes and verifies passwords, on half of the processors at most. Others wait, or are refused: see Claim.
type Hasher struct {
	queue  queue
	beside *beside // nil: this process hashes
	logger *slog.Logger
}

// NewHasher returns a Hasher.
func NewHasher(logger *slog.Logger) *Hasher {
	h := &Hasher{queue: queue{free: max(1, runtime.NumCPU()/2)}, logger: logger}
	if served {
		h.beside = &beside{start: startChild}
	}
	return h
}

// Hash returns the PHC string of a password: $argon2id$v=19$m=65536,t=3,p=1$salt$hash. Its errors are ErrBusy
// and ctx's.
func (h *Hasher) Hash(ctx context.Context, password secret.Secret) (string, error) {
	give, err := h.queue.take(ctx)
	if err != nil {
		return "", err
	}
	defer give()
	p := phc{memory: argonMemory, time: argonTime, threads: argonThreads, salt: make([]byte, argonSalt)}
	rand.Read(p.salt)
	p.hash = h.compute(p, password, argonHash)
	return p.String(), nil
}

// Verify reports whether the password has this hash. With an empty hash, that of an account which does not exist or has
// no password, it does the same work and says no. It returns an error for a malformed hash, ErrBusy, and ctx's.
func (h *Hasher) Verify(ctx context.Context, hash string, password secret.Secret) (bool, error) {
	p := phc{memory: argonMemory, time: argonTime, threads: argonThreads, salt: make([]byte, argonSalt),
		hash: make([]byte, argonHash)}
	if hash != "" {
		var err error
		if p, err = parsePHC(hash); err != nil {
			return false, err
		}
	}
	give, err := h.queue.take(ctx)
	if err != nil {
		return false, err
	}
	defer give()
	equal := subtle.ConstantTimeCompare(h.compute(p, password, uint32(len(p.hash))), p.hash) == 1
	return equal && hash != "", nil
}

// Close ends the processes beside this one.
func (h *Hasher) Close() {
	if h.beside != nil {
		h.beside.close()
	}
}

// compute has a process beside this one hash, or does it itself where there is none.
func (h *Hasher) compute(p phc, password secret.Secret, size uint32) []byte {
	j := job{[]byte(password.Reveal()), p.salt, p.memory, p.time, p.threads, size}
	if h.beside != nil {
		sum, err := h.beside.compute(j)
		if err == nil {
			return sum
		}
		h.logger.Warn("this process hashes a password itself, which those who publish notice", "error", err)
	}
	return j.compute()
}

// phc is a parsed hash.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, hash   []byte
}

func (p phc) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads, b64(p.salt),
		b64(p.hash))
}

func parsePHC(s string) (p phc, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, errHash
	}
	var rest string
	if n, err := fmt.Sscanf(parts[3]+"\n", "m=%d,t=%d,p=%d%s", &p.memory, &p.time, &p.threads, &rest); n != 3 ||
		err == nil {
		return p, errHash
	}
	if p.memory > maxArgonMemory || p.time < 1 || p.time > maxArgonTime || p.threads < 1 {
		return p, errHash
	}
	var errSalt, errSum error
	p.salt, errSalt = base64.RawStdEncoding.DecodeString(parts[4])
	p.hash, errSum = base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errSum != nil || len(p.salt) < 8 || len(p.hash) < 16 || len(p.hash) > 64 {
		return p, errHash
	}
	return p, nil
}
