package entry

import (
	"encoding/binary"
	"fmt"
	"time"

	"hpfriends/internal/varint"
)

// storedVersion begins what AppendStored makes.
const storedVersion = 1

// AppendStored appends the totals of an authkey as SpaceStats has them, without the authkey, which is the key: the
// version, then numbers, texts and times of the struct in order. A number is a uvarint; a text is its length and bytes;
// a time is the varint of its Unix nanoseconds, 0 for none.
func (u *Usage) AppendStored(b []byte) []byte {
	b = append(b, storedVersion)
	for _, n := range []uint64{u.BytesReceived, u.BytesSent, u.Published, u.Received} {
		b = binary.AppendUvarint(b, n)
	}
	return appendTime(appendText(appendTime(b, u.LastSeen), u.LastAddr), u.OldSecret)
}

// DecodeUsage reads what AppendStored has made of the totals of an authkey.
func DecodeUsage(authkey uint64, b []byte) (Usage, error) {
	r := readStored("statistics", b)
	u := Usage{
		Authkey: authkey, BytesReceived: r.Uvarint(), BytesSent: r.Uvarint(), Published: r.Uvarint(), Received: r.Uvarint(),
		LastSeen: r.time(), LastAddr: r.text(), OldSecret: r.time(),
	}
	return u, r.end()
}

// AppendStored appends a row as SpaceLogs and SpaceRecent have it, in the form of Usage.AppendStored. Many rows are
// read for a few that are shown, so they are not JSON.
func (d *Refusal) AppendStored(b []byte) []byte {
	b = append(b, storedVersion)
	for _, n := range []uint64{d.Owner, d.Authkey, d.Count, d.Index} {
		b = binary.AppendUvarint(b, n)
	}
	for _, s := range []string{d.Ident, d.Message, d.Detail, d.Channel, d.Addr} {
		b = appendText(b, s)
	}
	return appendTime(appendTime(b, d.First), d.Last)
}

// DecodeRefusal reads what AppendStored has made of a row.
func DecodeRefusal(b []byte) (Refusal, error) {
	r := readStored("a row of Logs", b)
	d := Refusal{
		Owner: r.Uvarint(), Authkey: r.Uvarint(), Count: r.Uvarint(), Index: r.Uvarint(),
		Ident: r.text(), Message: r.text(), Detail: r.text(), Channel: r.text(), Addr: r.text(),
		First: r.time(), Last: r.time(),
	}
	return d, r.end()
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	return binary.AppendVarint(b, t.UnixNano())
}

type storedReader struct{ varint.Reader }

func readStored(of string, b []byte) *storedReader {
	r := &storedReader{varint.Reader{Rest: b, Malformed: func(format string, args ...any) error {
		return fmt.Errorf("entry: %s: %s", of, fmt.Sprintf(format, args...))
	}}}
	if version := r.Bytes(1); len(version) == 1 && version[0] != storedVersion {
		r.Fail("version %d, want %d", version[0], storedVersion)
	}
	return r
}

func (r *storedReader) text() string { return string(r.Bytes(r.Uvarint())) }

func (r *storedReader) time() time.Time {
	nanos := r.Varint()
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

func (r *storedReader) end() error {
	if len(r.Rest) > 0 {
		r.Fail("%d bytes too many", len(r.Rest))
	}
	return r.Err
}
