package layout

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestOneWrongByteIsNamed damages one byte of a record, at every place and in any way: the error names exactly that
// byte. With two wrong bytes it says that it does not know, and names the range.
func TestOneWrongByteIsNamed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 3000)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	r := Record{Index: 7, Term: 3, Data: data}
	good := make([]byte, r.Size())
	r.Encode(good)
	for at := range good {
		bad := slices.Clone(good)
		bad[at] ^= byte(1 + rng.IntN(255))
		_, err := DecodeRecord(7, bad)
		var c *CorruptError
		if !errors.As(err, &c) || c.Where == nil || c.Where.Byte != int64(at) || c.Where.Length != uint64(len(good)) {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
	known := 0
	for range 500 {
		bad := slices.Clone(good)
		a := 4 + rng.IntN(len(good)-5)
		b := 4 + rng.IntN(len(good)-5)
		if a == b {
			continue
		}
		bad[a] ^= 0x55
		bad[b] ^= 0xaa
		_, err := DecodeRecord(7, bad)
		var c *CorruptError
		if !errors.As(err, &c) || c.Where == nil {
			t.Fatalf("bytes %d and %d: %v", a, b, err)
		}
		if c.Where.Byte >= 0 {
			known++
		}
	}
	if known > 3 {
		t.Errorf("with two wrong bytes, one was named %d times of 500", known)
	}
}
