package link

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hpfriends/internal/golden"
)

// pin compares bytes that travel with the golden ones.
func pin(t *testing.T, name string, data []byte) {
	t.Helper()
	golden.Compare(t, name+".hex", []byte(hex.Dump(data)))
}

// TestFramesArePinned pins the frames of calls.
func TestFramesArePinned(t *testing.T) {
	var sent bytes.Buffer
	asked := request{7, 1500 * time.Millisecond, []byte("body")}
	call := &call{id: 1 << 40, req: asked, answer: make(chan answer, 1)}
	if err := call.write(&sent); err != nil {
		t.Fatal(err)
	}
	pin(t, "frame-request", sent.Bytes())
	h, payload := readBack(t, &sent)
	got := parseRequest(payload)
	if h.kind != kindRequest || h.call != 1<<40 || got.method != 7 || got.left != asked.left ||
		string(got.body) != "body" {
		t.Errorf("a request is read as %+v %+v", h, got)
	}

	failure := Failure{CodeFirst + 1, "why"}
	for name, f := range map[string]struct {
		kind    kind
		payload []byte
	}{
		"response": {kindResponse, []byte("answer")}, "failure": {kindFailure, failure.encode()},
		"cancel": {kindCancel, nil}, "ping": {kindPing, nil}, "pong": {kindPong, nil},
	} {
		data := append(header{f.kind, 258, len(f.payload)}.append(nil), f.payload...)
		pin(t, "frame-"+name, data)
		h, payload := readBack(t, bytes.NewReader(data))
		if h.kind != f.kind || h.call != 258 || !bytes.Equal(payload, f.payload) {
			t.Errorf("%s is read as %+v %q", name, h, payload)
		}
	}
	if f, ok := errors.AsType[*Failure](parseFailure(failure.encode())); !ok || *f != failure {
		t.Errorf("a failure is read as %+v", f)
	}
}

func readBack(t *testing.T, r io.Reader) (header, []byte) {
	t.Helper()
	h, err := readHeader(r)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := readPayload(r, h.length)
	if err != nil {
		t.Fatal(err)
	}
	return h, payload
}

// exchange is a connection whose other side has answered already.
type exchange struct {
	io.Reader
	bytes.Buffer
}

func (e *exchange) Read(b []byte) (int, error) { return e.Reader.Read(b) }

// TestGreetingsArePinned pins what both sides say before anything else.
func TestGreetingsArePinned(t *testing.T) {
	dialer, other := incarnation{started: 1_700_000_000_000_000_001}, incarnation{started: 1 << 60}
	for i := range dialer.random {
		dialer.random[i], other.random[i] = byte(i), 0xf0+byte(i)
	}
	for name, refusal := range map[string]error{
		"welcome": nil, "not-member": ErrNotMember, "cloned": ErrCloned, "busy": ErrBusy,
	} {
		var answer bytes.Buffer
		if err := writeAnswer(&answer, other, refusal); err != nil {
			t.Fatal(err)
		}
		pin(t, "greeting-"+name, answer.Bytes())
		conn := &exchange{Reader: &answer}
		got, err := greet(conn, dialer)
		if !errors.Is(err, refusal) || refusal == nil && got != other {
			t.Errorf("%s is read as %+v, %v", name, got, err)
		}
		pin(t, "greeting", conn.Bytes())
		if parseIncarnation(conn.Bytes()) != dialer {
			t.Error("the dialer's incarnation is read as another")
		}
	}
}

// TestJoinMessagesArePinned pins what a joining node and the cluster say. The welcome holds certificates, which are
// not made the same twice: its golden file is read, and written again.
func TestJoinMessagesArePinned(t *testing.T) {
	asked := joinRequest{bytes.Repeat([]byte{9}, secretSize), "n2", "192.0.2.2:10000", []byte("csr")}
	pin(t, "join-request", asked.encode())
	if got, err := parseJoinRequest(asked.encode()); err != nil || !bytes.Equal(got.encode(), asked.encode()) ||
		got.node != "n2" {
		t.Errorf("the request is read as %+v, %v", got, err)
	}

	for name, v := range map[string]joinVerdict{
		"good": joinGood, "unknown": joinUnknown, "busy": joinBusy, "wiped": joinWiped, "refused": joinRefused,
		"elsewhere": joinElsewhere, "expired": joinExpired, "used": joinUsed, "removed": joinRemoved,
	} {
		var b bytes.Buffer
		if err := writeVerdict(&b, v, "192.0.2.1:10000"); err != nil {
			t.Fatal(err)
		}
		pin(t, "join-verdict-"+name, b.Bytes())
		leader, err := readVerdict(&b)
		if !errors.Is(err, joinErrors[v]) || (v == joinElsewhere) != (leader == "192.0.2.1:10000") {
			t.Errorf("%s is read as %q, %v", name, leader, err)
		}
	}

	token := Token{Cluster: clusterA, Expires: time.Unix(1_800_000_000, 0).UTC()}
	copy(token.Authority[:], bytes.Repeat([]byte{5}, 32))
	copy(token.secret[:], asked.secret)
	golden.Compare(t, "join-token.txt", []byte(token.Reveal()+"\n"))
	if got, err := ParseToken(token.Reveal()); err != nil || got != token {
		t.Errorf("the token is read as another, %v", err)
	}
}

func TestWelcomeIsPinned(t *testing.T) {
	want := Welcome{
		Members: map[string]string{"n1": "192.0.2.1:10000"}, Index: 1 << 40, Blob: []byte("data key"),
		Time: time.UnixMilli(1_800_000_000_123).UTC(),
	}
	if flag.Lookup("update").Value.String() == "true" {
		writeWelcome(t, want)
	}
	key, err := parseKey(fromHex(t, "welcome-key"))
	if err != nil {
		t.Fatal(err)
	}
	data := fromHex(t, "welcome")
	id, got, err := parseWelcome(data, key)
	if err != nil {
		t.Fatal(err)
	}
	if id.Cluster != clusterA || id.Node != "n2" || !maps.Equal(got.Members, want.Members) || got.Index != want.Index ||
		!got.Time.Equal(want.Time) ||
		!bytes.Equal(got.Blob, want.Blob) {
		t.Errorf("the welcome is read as %s %s %+v", id.Cluster, id.Node, got)
	}
	again, err := encodeWelcome(id.authority, id.leaf, got)
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("what was read is not written as it was, %v", err)
	}
}

// writeWelcome makes the golden welcome, and the key of its certificate.
func writeWelcome(t *testing.T, w Welcome) {
	t.Helper()
	id := bootstrap(t, clusterA, "n2")
	data, errData := encodeWelcome(id.authority, id.leaf, w)
	key, errKey := x509.MarshalPKCS8PrivateKey(id.key)
	if err := errors.Join(errData, errKey); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"welcome": data, "welcome-key": key} {
		path := filepath.Join("testdata", "golden", name+".txt")
		if err := os.WriteFile(path, []byte(hex.EncodeToString(b)+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func fromHex(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "golden", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The question whether a member knows another one: the asker's configuration index, and the node id.
func TestQuestionForAMemberIsPinned(t *testing.T) {
	pin(t, "call-member", question(258, "n2"))
	if q := question(258, "n2"); binary.BigEndian.Uint64(q) != 258 || string(q[8:]) != "n2" {
		t.Errorf("the question is read as %x", q)
	}
}
