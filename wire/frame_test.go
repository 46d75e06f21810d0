package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
)

// The vectors are those of the protocol page and of the Python library's tests.
func TestFramesAreThoseOfTheProtocol(t *testing.T) {
	name255 := strings.Repeat("n", 255)
	for _, c := range []struct {
		what string
		got  []byte
		want string
	}{
		{"ERROR", AppendError(nil, "Invalid ident"), "0000001200" + hex.EncodeToString([]byte("Invalid ident"))},
		{"empty ERROR", AppendError(nil, ""), "0000000500"},
		{"INFO", AppendInfo(nil, "@hp2", []byte{1, 2, 3, 4}), "0000000e01" + "0440687032" + "01020304"},
		{"AUTH", AppendAuth(nil, "ident", Digest([]byte("rand"), []byte("secret"))),
			"0000001f02" + "056964656e74" + "bfa95e1149cd9e7380fdfc614a57095ab719c1b4"},
		{"PUBLISH", AppendPublish(nil, "ident", "chan", []byte("data")),
			"0000001403" + "056964656e74" + "046368616e" + "64617461"},
		{"PUBLISH without payload", AppendPublish(nil, "ident", "chan", nil), "0000001003" + "056964656e74" + "046368616e"},
		{"SUBSCRIBE", AppendSubscribe(nil, "ident", "chan"), "0000000f04" + "056964656e74" + "6368616e"},
		{"UNSUBSCRIBE", AppendUnsubscribe(nil, "ident", "chan"), "0000000f05" + "056964656e74" + "6368616e"},
		{"longest names", AppendPublish(nil, name255, name255, nil),
			"0000020503" + "ff" + strings.Repeat("6e", 255) + "ff" + strings.Repeat("6e", 255)},
		{"appended", AppendError([]byte("x"), "y"), "78000000060079"},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}

func TestParsersRefuseWhatIsNotTheFrame(t *testing.T) {
	parse := map[byte]func([]byte) error{
		OpError:       func(b []byte) error { _, err := ParseError(b); return err },
		OpInfo:        func(b []byte) error { _, _, err := ParseInfo(b); return err },
		OpAuth:        func(b []byte) error { _, _, err := ParseAuth(b); return err },
		OpPublish:     func(b []byte) error { _, _, _, err := ParsePublish(b); return err },
		OpSubscribe:   func(b []byte) error { _, _, err := ParseSubscribe(b); return err },
		OpUnsubscribe: func(b []byte) error { _, _, err := ParseUnsubscribe(b); return err },
	}
	for op, p := range parse {
		head := func(n, op byte, rest ...byte) []byte { return append([]byte{0, 0, 0, n, op}, rest...) }
		bad := map[string][]byte{
			"nothing":              nil,
			"half a header":        {0, 0, 0, 5},
			"longer than it says":  append(head(5, op), 0),
			"shorter than it says": head(6, op),
			"another opcode":       head(6, op+1, 0),
			"length 0":             head(0, op),
		}
		if op != OpError {
			bad["no name"] = head(5, op)
			bad["name past the end"] = head(7, op, 2, 'x')
			bad["name of 255 past the end"] = head(6, op, 255)
		}
		if op == OpPublish {
			bad["no channel"] = head(7, op, 1, 'x')
			bad["channel past the end"] = head(9, op, 1, 'x', 2, 'y')
		}
		for what, b := range bad {
			if err := p(b); !errors.Is(err, ErrMalformed) {
				t.Errorf("opcode %d, %s: got error %v, want ErrMalformed", op, what, err)
			}
		}
	}
}

func TestLimitsAreCheckedOnTheHeader(t *testing.T) {
	l := Limits{MaxPayload: 1000}
	for _, c := range []struct {
		op          byte
		least, most uint32
	}{
		{OpError, 5, 5 + 1<<20}, {OpInfo, 6, 5 + 1 + 255 + 255}, {OpAuth, 6, 281},
		{OpPublish, 7, 5 + 1 + 255 + 1 + 255 + 1000}, {OpSubscribe, 6, 4096}, {OpUnsubscribe, 6, 4096},
	} {
		for n, want := range map[uint32]error{
			0: ErrMalformed, 4: ErrMalformed, c.least - 1: ErrMalformed, c.least: nil, c.most: nil, c.most + 1: ErrTooLarge,
			1 << 31: ErrTooLarge, math.MaxUint32: ErrTooLarge,
		} {
			if err := l.Check(n, c.op); !errors.Is(err, want) {
				t.Errorf("length %d of opcode %d: got %v, want %v", n, c.op, err, want)
			}
		}
	}
	for _, op := range []byte{6, 45, 255} {
		if err := l.Check(100, op); !errors.Is(err, ErrOpcode) {
			t.Errorf("opcode %d: got %v, want ErrOpcode", op, err)
		}
	}
	if err := (Limits{}).Check(HeaderLen+2+10<<20, OpPublish); err != nil {
		t.Errorf("a payload of 10 MiB with the default limits: %v", err)
	}
}

func TestNamesThatDoNotFitPanic(t *testing.T) {
	long := strings.Repeat("x", 256)
	for what, f := range map[string]func(){
		"ident":   func() { AppendPublish(nil, long, "c", nil) },
		"channel": func() { AppendPublish(nil, "i", long, nil) },
		"name":    func() { AppendInfo(nil, long, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of 256 bytes was encoded", what)
				}
			}()
			f()
		}()
	}
}

// FuzzFrames: what parses encodes to the same bytes again, and is within the limits that Check has.
func FuzzFrames(f *testing.F) {
	f.Add(AppendError(nil, "Invalid ident"))
	f.Add(AppendInfo(nil, "@hp2", []byte("rand")))
	f.Add(AppendAuth(nil, "ident", Digest(nil, nil)))
	f.Add(AppendPublish(nil, "ident", "chan", []byte("data")))
	f.Add(AppendSubscribe(nil, "ident", "chan"))
	f.Add(AppendUnsubscribe(nil, "ident", "chan"))
	f.Add([]byte{0, 0, 0, 0, 3})
	f.Fuzz(func(t *testing.T, frame []byte) {
		again := reencode(frame)
		if again == nil {
			return
		}
		if !bytes.Equal(again, frame) {
			t.Fatalf("%x parses, and encodes to %x", frame, again)
		}
		n, op := Header(frame)
		if err := (Limits{}).Check(n, op); errors.Is(err, ErrMalformed) || errors.Is(err, ErrOpcode) {
			t.Fatalf("%x parses, but its header is refused: %v", frame, err)
		}
	})
}

// reencode parses a frame as what it says to be and encodes that; nil if it does not parse.
func reencode(frame []byte) []byte {
	if len(frame) < HeaderLen {
		return nil
	}
	switch frame[4] {
	case OpError:
		if text, err := ParseError(frame); err == nil {
			return AppendError(nil, string(text))
		}
	case OpInfo:
		if name, nonce, err := ParseInfo(frame); err == nil {
			return AppendInfo(nil, string(name), nonce)
		}
	case OpAuth:
		if ident, digest, err := ParseAuth(frame); err == nil && len(digest) == DigestLen {
			return AppendAuth(nil, string(ident), [DigestLen]byte(digest))
		}
	case OpPublish:
		if ident, channel, payload, err := ParsePublish(frame); err == nil {
			return AppendPublish(nil, string(ident), string(channel), payload)
		}
	case OpSubscribe:
		if ident, channel, err := ParseSubscribe(frame); err == nil {
			return AppendSubscribe(nil, string(ident), string(channel))
		}
	case OpUnsubscribe:
		if ident, channel, err := ParseUnsubscribe(frame); err == nil {
			return AppendUnsubscribe(nil, string(ident), string(channel))
		}
	}
	return nil
}
