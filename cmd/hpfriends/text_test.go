package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hpfriends/wire"
)

func TestJSONLosesNothing(t *testing.T) {
	plain := wire.Message{Ident: "i", Channel: "c", Payload: []byte(`{"a": "<&>\u00e9"}`)}
	for _, m := range append([]wire.Message{plain, {Ident: "i", Channel: "c"}}, hostileMessages...) {
		line := formatJSON(nil, m, time.Date(2026, 11, 20, 10, 0, 0, 5000, time.UTC))
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
		if fields["time"] != "2026-11-20T10:00:00.000005Z" {
			t.Errorf("time is %q", fields["time"])
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
