package entry

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/golden"
)

// at is a time in the resolution that most kinds keep.
func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// goldenBatch has everything that a batch can have.
func goldenBatch(payload int) *Builder {
	b := new(Builder)
	b.Add("cowrie.sessions", 7, 3, 1700000000123, netip.MustParseAddr("192.0.2.7"),
		append(frame(payload, 'a'), frame(0, 0)...), 2)
	b.Add("\x00*", 1<<63, 0, 1700000000120, netip.MustParseAddr("2001:db8::1"), frame(1, 'b'), 1)
	b.Add("cowrie.sessions", 7, 3, 1700000000123, netip.Addr{}, frame(2, 'c'), 1)
	return b
}

// encodings has an entry of each kind, with something in every field.
func encodings(t testing.TB) map[Kind][]byte {
	report, err := (&Report{
		Node: "n1", Time: at(1700000000123),
		Usage: []Usage{{
			Authkey: 7, BytesReceived: 1, BytesSent: 2, Published: 3, Received: 4,
			LastSeen: at(1700000000001), LastAddr: "192.0.2.7",
		}},
		Refusals: []Refusal{{
			Owner: 3, Authkey: 7, Ident: "sensor", Message: "no right", Channel: "c", Addr: "192.0.2.7",
			First: at(1700000000001), Last: at(1700000000002), Count: 5,
		}},
	}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return map[Kind][]byte{
		KindBatch:  goldenBatch(3).Encode(session, 42),
		KindChange: append([]byte{byte(KindChange)}, "of graph"...),
		KindReport: report,
		KindCursor: cursors().Encode(),
		KindFloor:  (&Floor{Floor: 1 << 40, Reason: FloorBySize, Time: at(1700000000123)}).Encode(),
		KindToken: (&Token{
			Step: TokenMade, Hash: [32]byte{1, 2, 31: 3}, Time: at(1700000000000), Expires: at(1700000600000), Uses: 3,
			By: "root",
		}).Encode(),
		KindCheckpoint: (&Checkpoint{Kept: true, Time: at(1700000000123)}).Encode(),
		KindVault:      (&Vault{Step: VaultPut, Time: at(1700000000123), Name: "a/b", Value: []byte("sealed")}).Encode(),
	}
}

func TestEveryKindIsPinned(t *testing.T) {
	all := encodings(t)
	for kind := range Kinds() {
		data := all[kind]
		if kind.String() == "" || len(data) == 0 || Kind(data[0]) != kind {
			t.Errorf("kind %d (%s) has no name or no golden entry", kind, kind)
			continue
		}
		golden.Compare(t, kind.String()+".hex", []byte(hex.Dump(data)))
		got, err := Decode(data)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		switch kind {
		case KindBatch: // it has no encoder of its own: TestBatchRoundTrip compares what comes back
		case KindChange:
			if string(got.([]byte)) != "of graph" {
				t.Errorf("change: %q", got)
			}
		case KindReport:
			again, err := got.(*Report).Encode()
			if err != nil || !bytes.Equal(again, data) {
				t.Errorf("report: %q, %v", again, err)
			}
		case KindCursor, KindFloor, KindToken, KindCheckpoint, KindVault:
			if again := got.(interface{ Encode() []byte }).Encode(); !bytes.Equal(again, data) {
				t.Errorf("%s: encoded again %x, want %x", kind, again, data)
			}
		default:
			t.Errorf("%s: what comes back is not compared", kind)
		}
	}
	for _, data := range [][]byte{nil, {0}, {byte(len(kinds))}, {255}} {
		if got, err := Decode(data); err == nil {
			t.Errorf("%x decodes to %v", data, got)
		}
	}
}

// What was compressed once must be readable for ever. How it is compressed may change with the library and the machine,
// so the file is not compared with what Encode makes today, except for the table before the frames.
func TestCompressedBatchIsReadable(t *testing.T) {
	text, err := os.ReadFile("testdata/golden/batch-s2.txt")
	if err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeBatch(data)
	if err != nil {
		t.Fatal(err)
	}
	now := goldenBatch(300).Encode(session, 42)
	want, err := DecodeBatch(now)
	if err != nil {
		t.Fatal(err)
	}
	table := len(data) - stored(data)
	if data[2]&flagS2 == 0 || !bytes.Equal(data[:table], now[:table]) {
		t.Errorf("the table is %x, want %x", now[:table], data[:table])
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded %+v, want %+v", got, want)
	}
}
