package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// refusalCase is one row of what brokers refuse: what the peer sends, and what each Compat makes of it.
type refusalCase struct {
	name      string
	frame     func(p *peer) []byte
	anonymous bool // before AUTH
	reason    Reason
	lineage   string // text; the connection stays open if open is set
	reference string // text, or "" for none; it always closes
	open      bool
	ident     string // in the report
	channel   string
}

func raw(b ...byte) func(*peer) []byte { return func(*peer) []byte { return b } }

// header is a frame of that length in the header, with rest behind it.
func header(n uint32, op byte, rest ...byte) []byte {
	return append([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), op}, rest...)
}

func badAuth(ident, secret string) func(*peer) []byte {
	return func(p *peer) []byte { return AppendAuth(nil, ident, Digest(p.nonce, []byte(secret))) }
}

var refusalCases = []refusalCase{
	{name: "publish before AUTH", frame: func(*peer) []byte { return AppendPublish(nil, "alice", "c", []byte("x")) },
		anonymous: true,
		reason:    ReasonFirstMessage, lineage: "First message was not AUTH.", reference: "First message was not AUTH"},
	{name: "subscribe before AUTH", frame: func(*peer) []byte { return AppendSubscribe(nil, "alice", "c") },
		anonymous: true,
		reason:    ReasonFirstMessage, lineage: "First message was not AUTH.", reference: "First message was not AUTH"},
	{name: "unknown opcode before AUTH", frame: raw(0, 0, 0, 5, 45), anonymous: true,
		reason: ReasonFirstMessage, lineage: "First message was not AUTH.", reference: "First message was not AUTH"},
	{name: "web browser", frame: func(*peer) []byte { return []byte("GET / HTTP/1.1\r\n\r\n") }, anonymous: true,
		reason: ReasonFirstMessage, lineage: "First message was not AUTH.", reference: "First message was not AUTH"},
	{name: "AUTH of 300 bytes", frame: func(*peer) []byte { return header(300, OpAuth) }, anonymous: true,
		reason: ReasonTooLarge, lineage: "Message too large. size=300, limit=281"},
	{name: "AUTH without ident", frame: raw(0, 0, 0, 5, OpAuth), anonymous: true,
		reason: ReasonMalformed, lineage: "Malformed message."},
	{name: "AUTH whose ident is past the end", frame: raw(0, 0, 0, 7, OpAuth, 255, 'x'), anonymous: true,
		reason: ReasonMalformed, lineage: "Malformed message."},
	{name: "unknown ident", frame: badAuth("nobody", "x"), anonymous: true, ident: "nobody",
		reason: ReasonIdent, lineage: "Authentication failed.", reference: "Authentication failed for nobody"},
	{name: "ident that is not UTF-8", frame: badAuth("z\xff", "x"), anonymous: true, ident: "z\xff",
		reason: ReasonIdent, lineage: "Authentication failed.", reference: "Authentication failed for z?"},
	{name: "no ident", frame: badAuth("", ""), anonymous: true,
		reason: ReasonIdent, lineage: "Authentication failed.", reference: "Authentication failed for "},
	{name: "bad secret", frame: badAuth("alice", "x"), anonymous: true, ident: "alice",
		reason: ReasonSecret, lineage: "Authentication failed.", reference: "Authentication failed for alice"},
	{name: "digest of 19 bytes", frame: func(p *peer) []byte { return resize(p.auth("alice"), -1) }, anonymous: true,
		ident:  "alice",
		reason: ReasonSecret, lineage: "Authentication failed.", reference: "Authentication failed for alice"},
	{name: "digest of 21 bytes", frame: func(p *peer) []byte { return resize(p.auth("alice"), 1) }, anonymous: true,
		ident:  "alice",
		reason: ReasonSecret, lineage: "Authentication failed.", reference: "Authentication failed for alice"},
	{name: "disabled authkey", frame: badAuth("disabled", "x"), anonymous: true, ident: "disabled",
		reason: ReasonDisabled, lineage: "Authentication failed.", reference: "Authentication failed for disabled"},
	{name: "empty secret", frame: badAuth("empty", ""), anonymous: true, ident: "empty",
		reason: ReasonDisabled, lineage: "Authentication failed.", reference: "Authentication failed for empty"},
	{name: "backend error", frame: badAuth("broken", "x"), anonymous: true, ident: "broken",
		reason: ReasonBackend, lineage: "Authentication failed.", reference: "Authentication failed for broken"},

	{name: "publish with another ident", frame: func(*peer) []byte { return AppendPublish(nil, "bob", "c", nil) },
		ident: "bob", channel: "c",
		reason: ReasonMismatch, lineage: "Invalid authkey in message. ident=bob, chan=c",
		reference: "Invalid authkey in message, ident=bob"},
	{name: "publish not permitted", frame: func(*peer) []byte { return AppendPublish(nil, "alice", "forbidden", nil) },
		reason: ReasonNoPub, ident: "alice", channel: "forbidden", open: true,
		lineage:   "Authkey not allowed to publish here. chan=forbidden",
		reference: "Authkey not allowed to pub here. ident=alice, chan=forbidden"},
	{name: "publish on an empty channel",
		frame:  func(*peer) []byte { return AppendPublish(nil, "alice", "", []byte("x")) },
		reason: ReasonNoPub, ident: "alice", open: true,
		lineage:   "Authkey not allowed to publish here. chan=",
		reference: "Authkey not allowed to pub here. ident=alice, chan="},
	{name: "subscribe not permitted",
		frame:  func(*peer) []byte { return AppendSubscribe(nil, "anybody", "forbidden\x00") },
		reason: ReasonNoSub, ident: "alice", channel: "forbidden\x00", open: true,
		lineage:   "Authkey not allowed to subscribe here. chan=forbidden\x00",
		reference: "Authkey not allowed to sub here. ident=alice, chan=forbidden\x00"},
	{name: "subscribe to an empty channel", frame: func(*peer) []byte { return AppendSubscribe(nil, "alice", "") },
		reason: ReasonNoSub, ident: "alice", open: true,
		lineage:   "Authkey not allowed to subscribe here. chan=",
		reference: "Authkey not allowed to sub here. ident=alice, chan="},
	{name: "the broker's own text", frame: func(*peer) []byte { return AppendSubscribe(nil, "alice", "explained") },
		reason: ReasonNoSub, ident: "alice", channel: "explained", open: true,
		lineage: "Not today. chan=explained", reference: "Not today. chan=explained"},
	{name: "second AUTH of another owner",
		frame:  func(p *peer) []byte { return AppendAuth(nil, "bob", Digest(p.nonce, []byte("secret-bob"))) },
		reason: ReasonDisabled, ident: "bob", lineage: "Authentication failed.", reference: "Authentication failed for bob"},
	{name: "second AUTH with a bad secret", frame: badAuth("alice", "x"),
		reason: ReasonSecret, ident: "alice", lineage: "Authentication failed.",
		reference: "Authentication failed for alice"},
	{name: "payload one byte too large",
		frame:  func(*peer) []byte { return AppendPublish(nil, "alice", "c", make([]byte, testPayload+1)) },
		reason: ReasonTooLarge, ident: "alice", channel: "c", lineage: "Message too large. size=2001, limit=2000, chan=c"},
	{name: "frame announced too large", frame: func(*peer) []byte { return header(5+2+510+testPayload+1, OpPublish) },
		reason: ReasonTooLarge, lineage: "Message too large. size=2518, limit=2517"},
	{name: "length of 2^31", frame: func(*peer) []byte { return header(1<<31, OpPublish) },
		reason: ReasonTooLarge, lineage: "Message too large. size=2147483648, limit=2517"},
	{name: "SUBSCRIBE of 4097 bytes", frame: func(*peer) []byte { return header(4097, OpSubscribe) },
		reason: ReasonTooLarge, lineage: "Message too large. size=4097, limit=4096"},
	{name: "length 0", frame: raw(0, 0, 0, 0, OpPublish), reason: ReasonMalformed, lineage: "Malformed message."},
	{name: "length 4", frame: raw(0, 0, 0, 4, OpSubscribe), reason: ReasonMalformed, lineage: "Malformed message."},
	{name: "PUBLISH without channel", frame: raw(0, 0, 0, 6, OpPublish, 0), reason: ReasonMalformed,
		lineage: "Malformed message."},
	{name: "PUBLISH whose ident is past the end", frame: raw(0, 0, 0, 8, OpPublish, 255, 'x', 0), reason: ReasonMalformed,
		lineage: "Malformed message."},
	{name: "PUBLISH whose channel is past the end", frame: raw(0, 0, 0, 9, OpPublish, 1, 'x', 2, 'y'),
		reason: ReasonMalformed, lineage: "Malformed message."},
	{name: "SUBSCRIBE whose ident is past the end", frame: raw(0, 0, 0, 7, OpSubscribe, 2, 'x'), reason: ReasonMalformed,
		lineage: "Malformed message."},
	{name: "UNSUBSCRIBE whose ident is past the end", frame: raw(0, 0, 0, 7, OpUnsubscribe, 2, 'x'),
		reason: ReasonMalformed, lineage: "Malformed message."},
	{name: "unknown opcode", frame: raw(0, 0, 0, 6, 45, 0), reason: ReasonUnknownType, lineage: "Unknown message type."},
	{name: "ERROR of 5 bytes from a client", frame: raw(0, 0, 0, 5, OpError), reason: ReasonUnknownType,
		lineage: "Unknown message type."},
	{name: "INFO from a client", frame: func(*peer) []byte { return AppendInfo(nil, "n", []byte("rand")) },
		reason: ReasonUnknownType, lineage: "Unknown message type."},
}

const testPayload = 2000

// resize makes a frame longer or shorter by n bytes.
func resize(frame []byte, n int) []byte {
	frame = append(frame, 0)[:len(frame)+n]
	frame[3] = byte(len(frame))
	return frame
}

// Each refusal is followed, in the same segment, by a good message: it must get through if and only if the connection
// survives. The Python broker goes on handling what it has buffered after a fatal error.
func TestRefusals(t *testing.T) {
	for _, compat := range []Compat{Lineage, Reference} {
		for _, c := range refusalCases {
			t.Run(fmt.Sprintf("%s/%s", compat, c.name), func(t *testing.T) {
				t.Parallel()
				f := start(t, Config{Compat: compat, Limits: Limits{MaxPayload: testPayload}})
				p := f.dial()
				var before []byte
				if !c.anonymous {
					before = p.auth("alice")
				}
				bad := c.frame(p)
				p.send(before, bad, AppendPublish(nil, "alice", "after", []byte("good")))
				text, open := c.lineage, c.open
				if compat == Reference {
					text, open = c.reference, false
				}
				if text != "" {
					p.wantError(text)
				}
				if open {
					p.wantOpen()
				} else {
					p.wantClosed()
				}
				checkAftermath(t, f, c, open)
			})
		}
	}
}

func checkAftermath(t *testing.T, f *fixture, c refusalCase, open bool) {
	t.Helper()
	f.eventually("refusal is reported", func() bool { return len(f.hub.refused()) > 0 })
	r := f.hub.refused()[0]
	authenticated, ident := "alice", c.ident
	if c.anonymous {
		authenticated = ""
	} else if ident == "" {
		ident = "alice"
	}
	if r.Reason != c.reason || r.Ident != ident || r.Channel != c.channel || r.AuthenticatedIdent != authenticated ||
		r.Count != 1 || !r.Remote.IsValid() || len(f.hub.refused()) != 1 {
		t.Errorf("reported %+v, want one of reason %s, ident %q, channel %q, authenticated %q",
			f.hub.refused(), c.reason, ident, c.channel, authenticated)
	}
	survived := false
	for _, m := range f.hub.messages() {
		survived = survived || m.Channel == "after"
	}
	if survived != open {
		t.Errorf("the message behind the refused one was published: %t, want %t", survived, open)
	}
}

func TestRefusedRunIsReportedOnceWithItsCount(t *testing.T) {
	f := start(t, Config{})
	p := f.login("alice")
	p.send(bytes.Repeat(p.publish("forbidden", "x"), 500))
	total := func() (n int) {
		for _, r := range f.hub.refused() {
			n += r.Count
		}
		return n
	}
	f.eventually("500 refused frames are reported", func() bool { return total() >= 500 })
	if total() != 500 || len(f.hub.refused()) > 50 {
		t.Errorf("%d refused frames in %d reports, want 500 in few", total(), len(f.hub.refused()))
	}
	p.wantError("Authkey not allowed to publish here. chan=forbidden")
}

func TestErrorOfTheBrokerEndsTheConnectionWithItsText(t *testing.T) {
	f := start(t, Config{})
	p := f.login("alice")
	p.send(AppendSubscribe(nil, "alice", "fatal"), p.publish("c", "behind"))
	p.wantError("Gone for good.")
	p.wantClosed()
	if m := f.hub.messages(); len(m) != 0 {
		t.Errorf("published after the end: %q", m)
	}
}

func TestReasonsHaveNamesAndWordings(t *testing.T) {
	seen := make(map[string]bool)
	for r := ReasonFirstMessage; r < reasonEnd; r++ {
		if r.String() == "" || r.LogMessage() == "" || seen[r.String()] || strings.ContainsAny(r.String(), " ()") {
			t.Errorf("reason %d: category %q, log message %q", r, r.String(), r.LogMessage())
		}
		seen[r.String()] = true
		for _, c := range []Compat{Lineage, Reference} {
			if text, fatal := c.answer(&Refusal{Reason: r}); !fatal && text == "" {
				t.Errorf("%s: a connection goes on after %s without a word", c, r)
			}
		}
	}
	for _, c := range []Compat{Lineage, Reference} {
		if got, err := ParseCompat(c.String()); got != c || err != nil {
			t.Errorf("ParseCompat(%q) = %v, %v", c, got, err)
		}
	}
	if _, err := ParseCompat("python"); err == nil {
		t.Error("ParseCompat takes anything")
	}
}
