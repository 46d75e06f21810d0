package entry

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/golden"
)

// What is stored of rows and statistics comes back as it was, to the nanosecond, and its bytes do not change.
func TestStoredRowsComeBack(t *testing.T) {
	row := Refusal{
		Owner: 3, Authkey: 7, Ident: "sensor\x1b", Message: "no right", Detail: "of 9 bytes", Channel: "c", Addr: "192.0.2.7",
		First: at(1700000000001), Last: at(1700000000002).Add(3), Count: 5, Index: 1 << 40,
	}
	usage := Usage{
		Authkey: 7, BytesReceived: 1, BytesSent: 2, Published: 3, Received: 1 << 63, LastSeen: at(1700000000001),
		LastAddr: "2001:db8::1", OldSecret: at(-1),
	}
	golden.Compare(t, "stored.hex", []byte(hex.Dump(row.AppendStored(nil))+hex.Dump(usage.AppendStored(nil))))
	for _, r := range []Refusal{row, {}} {
		got, err := DecodeRefusal(r.AppendStored(nil))
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%+v, %v, want %+v", got, err, r)
		}
	}
	for _, u := range []Usage{usage, {Authkey: 7}} {
		got, err := DecodeUsage(7, u.AppendStored(nil))
		if err != nil || !reflect.DeepEqual(got, u) {
			t.Errorf("%+v, %v, want %+v", got, err, u)
		}
	}
}

// What is cut short, has something behind it, or is of another version, is refused with what is wrong.
func TestStoredRowsThatAreDamagedAreRefused(t *testing.T) {
	row := Refusal{Ident: "k", Message: "m", Addr: "a", First: time.Unix(1, 0), Last: time.Unix(2, 0), Count: 1}
	b := row.AppendStored(nil)
	for n := range b {
		if got, err := DecodeRefusal(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are %+v", n, len(b), got)
		}
	}
	for want, b := range map[string][]byte{
		"1 bytes too many": append(b, 0), "version 123, want 1": []byte(`{"ident":"k"}`),
	} {
		if _, err := DecodeRefusal(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
		if _, err := DecodeUsage(1, b); err == nil {
			t.Error("statistics are made of a row")
		}
	}
}
