package ndjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Whatever bytes somebody published: one line, valid JSON, nothing that a terminal acts on, and the same bytes back.
func FuzzHostileBytes(f *testing.F) {
	hostile := []string{
		"", "plain", "\x1b]0;title\x07", "a\nb\r\n", "\u2028\u2029\u0085", "\xff\xfe", "\u202eevil", `"},{"end":true}`,
		"\x00\x7f\u009b31m",
		"\U000e0041", "\ufffd", "\xed\xa0\x80", `\u0000`, "<script>&amp;",
	}
	for _, s := range hostile {
		f.Add([]byte("c"+s), []byte("i"+s), []byte(s))
	}
	f.Fuzz(func(t *testing.T, channel, ident, payload []byte) {
		if len(channel) == 0 {
			return
		}
		at := time.UnixMilli(1_700_000_000_123).UTC()
		m := Message{"#1.2", at, at.Add(time.Second), channel, ident, "ada", payload}
		out := Append(nil, m)
		if bytes.Count(out, []byte("\n")) != 1 || out[len(out)-1] != '\n' {
			t.Fatalf("not one line: %q", out)
		}
		if !json.Valid(out) {
			t.Fatalf("no JSON: %q", out)
		}
		if bytes.ContainsFunc(out, unprintable) {
			t.Fatalf("a terminal would act on %q", out)
		}
		back, err := Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		got := *back.Message
		if string(got.Channel) != string(channel) || string(got.Ident) != string(ident) ||
			string(got.Payload) != string(payload) || got.Position != m.Position || got.Origin != m.Origin ||
			!got.Time.Equal(m.Time) || !got.Received.Equal(m.Received) {
			t.Fatalf("%+v became %+v", m, got)
		}
	})
}

// encoding/json reads each of these as U+FFFD, without an error.
func TestTextThatWouldBeAlteredIsRefused(t *testing.T) {
	for _, text := range []string{
		"\xff", "a\xed\xa0\x80", `\ud800`, `\uDC00`, `\ud83d x`, `\ud83d\ud83d`, `\ud83d\n\ude00`, `\\\ud800`, `x\ud83d\u0041`,
	} {
		for _, line := range []string{`{"channel":"c","payload":"` + text + `"}`, `{"channel":"` + text + `","payload":""}`} {
			if rec, err := Parse([]byte(line)); !errors.Is(err, ErrInexact) {
				t.Errorf("%q is read as %+v (%v)", line, rec.Message, err)
			}
		}
	}
	for text, want := range map[string]string{
		`\ud83d\ude00`: "\U0001f600", `\\ud800`: `\ud800`, `\ufffd`: "\ufffd", "\ufffd": "\ufffd", `\u00e9\"`: "é\"",
	} {
		rec, err := Parse([]byte(`{"channel":"c","payload":"` + text + `"}`))
		if err != nil || string(rec.Message.Payload) != want {
			t.Errorf("%q is read as %+v (%v), want %q", text, rec.Message, err, want)
		}
	}
}

func TestControlLines(t *testing.T) {
	for want, rec := range map[string]Record{
		`{"gap":{"from":"#5.0","to":"#100.0"}}`:                               {Gap: &Gap{"#5.0", "#100.0"}},
		`{"end":true,"messages":2,"next":"#812.5"}`:                           {End: &End{true, 2, "#812.5", ""}},
		`{"end":false,"messages":1,"next":"#1.0","error":"\u009bdisk\u0007"}`: {End: &End{false, 1, "#1.0", "\u009bdisk\a"}},
	} {
		var out []byte
		if rec.Gap != nil {
			out = AppendGap(nil, *rec.Gap)
		} else {
			out = AppendEnd(nil, *rec.End)
		}
		if string(out) != want+"\n" {
			t.Errorf("%s, want %s", out, want)
		}
		if back, err := Parse(out); err != nil || !reflect.DeepEqual(back, rec) {
			t.Errorf("%s: %+v, %v", out, back, err)
		}
	}
}

// What is no message is refused, and says why.
func TestParseRefuses(t *testing.T) {
	for in, want := range map[string]string{
		``:                                     "no line of JSON",
		`{"channel":"c","payload":"x"`:         "no line of JSON",
		`[]`:                                   "no line of JSON",
		`{"payload":"x"}`:                      "no channel",
		`{"channel":"c"}`:                      "no payload",
		`{"channel":"","payload":"x"}`:         "no channel",
		`{"channel":"c","payload_base64":"*"}`: "payload_base64",
		`{"channel":"c","payload":"x","payload_base64":"eA=="}`: "both payload",
		`{"channel":"c","payload":"x","time":"soon"}`:           "parsing time",
	} {
		if _, err := Parse([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}
