package feed

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hpfriends/internal/feedtest"
	"hpfriends/wire"
)

func TestJSONLosesNothing(t *testing.T) {
	plain := wire.Message{Ident: "i", Channel: "c", Payload: []byte(`{"a": "<&>\u00e9"}`)}
	for _, m := range append([]wire.Message{plain, {Ident: "i", Channel: "c"}}, feedtest.HostileMessages...) {
		line := formatJSON(nil, &message{Message: m, received: time.Date(2026, 11, 20, 10, 0, 0, 5000, time.UTC)})
		if bytes.Count(line, []byte("\n")) != 1 {
			t.Errorf("%q is not one line", line)
		}
		var fields map[string]string
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for name, want := range map[string]string{"channel": m.Channel, "ident": m.Ident, "payload": string(m.Payload)} {
			got, ok := fields[name]
			if encoded, is := fields[name+"_base64"]; is && !ok {
				b, err := base64.StdEncoding.DecodeString(encoded)
				if got, ok = string(b), true; err != nil || utf8.Valid(b) {
					t.Errorf("%s_base64 %q of %q: %v", name, encoded, want, err)
				}
			}
			if !ok || got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if at, timed := fields["time"]; timed || fields["received"] != "2026-11-20T10:00:00.000005Z" {
			t.Errorf("time is %q, received %q: the log's is not known", at, fields["received"])
		}
	}
}

func TestLinesAreMessages(t *testing.T) {
	long := strings.Repeat("x", 1<<17)
	var got []string
	for line, err := range lineContents(strings.NewReader("a\r\n\n" + long + "\nlast")) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(line))
	}
	if want := []string{"a", "", long, "last"}; !slices.Equal(got, want) {
		t.Errorf("got %.50q", got)
	}
}

// TestHostileMessagesCannotAlterATerminal looks at every byte that the text formats print.
func TestHostileMessagesCannotAlterATerminal(t *testing.T) {
	for name, f := range map[string]format{"text": formatText, "json": formatJSON} {
		for _, m := range feedtest.HostileMessages {
			feedtest.CheckSafe(t, name, m, f(nil, &message{Message: m}), "\t")
		}
	}
	if got := string(formatText(nil, &message{Message: feedtest.HostileMessages[2]})); strings.Count(got, " ") != 2+4 ||
		!strings.HasPrefix(got, `a\x20b i\x20d \u202egnp.exe `) {
		t.Errorf("channel and ident are not one word each: %q", got)
	}
}
