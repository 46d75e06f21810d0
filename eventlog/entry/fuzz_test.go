package entry

import (
	"bytes"
	"reflect"
	"testing"
	"time"
)

// Whatever bytes an entry of any kind has, they are refused, or say what is said again by the same value. Batches, of
// which there is no such value, have FuzzDecodeBatch.
func FuzzDecode(f *testing.F) {
	for _, data := range encodings(f) {
		f.Add(data)
	}
	f.Add((&Cursors{Time: time.UnixMilli(0)}).Encode())
	for _, step := range []VaultStep{VaultLock, VaultUnlock, VaultDelete} {
		f.Add((&Vault{Step: step, Time: time.UnixMilli(1), Name: "a", Expires: time.UnixMilli(2)}).Encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		said, ok := encode(t, data)
		if !ok {
			return
		}
		if again, ok := encode(t, said); !ok || !bytes.Equal(again, said) {
			t.Fatalf("said again: %q, want %q", again, said)
		}
	})
}

// encode says what an entry says, in its one form. It is not ok if the data are none, or have no such form.
func encode(t *testing.T, data []byte) (said []byte, ok bool) {
	t.Helper()
	e, err := Decode(data)
	if err != nil {
		return nil, false
	}
	switch e := e.(type) {
	case *Report:
		said, err = e.Encode()
	case interface{ Encode() []byte }:
		said = e.Encode()
	}
	if err != nil {
		t.Fatalf("%+v is not encoded: %v", e, err)
	}
	return said, said != nil
}

// Rows and counters that a node has stored are refused, or say what is said again by the same value.
func FuzzDecodeStored(f *testing.F) {
	f.Add((&Usage{Authkey: 7, Published: 3, LastSeen: time.UnixMilli(5).UTC(), LastAddr: "192.0.2.7"}).AppendStored(nil))
	f.Add((&Refusal{Ident: "k", Message: "m", Count: 2, First: time.UnixMilli(1).UTC()}).AppendStored(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		if u, err := DecodeUsage(7, data); err == nil {
			if again, err := DecodeUsage(7, u.AppendStored(nil)); err != nil || !reflect.DeepEqual(again, u) {
				t.Fatalf("encoded again: %+v (%v), want %+v", again, err, u)
			}
		}
		if r, err := DecodeRefusal(data); err == nil {
			if again, err := DecodeRefusal(r.AppendStored(nil)); err != nil || !reflect.DeepEqual(again, r) {
				t.Fatalf("encoded again: %+v (%v), want %+v", again, err, r)
			}
		}
	})
}
