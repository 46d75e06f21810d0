package definitions

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"hpfriends/graph"
	"hpfriends/internal/secret"
)

// A file that was cut off anywhere is refused, and says so wherever its beginning is there.
func TestFileThatWasCutOffIsRefused(t *testing.T) {
	expires := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	want := Document{
		Users:    []User{{Handle: "ada", Name: "Ada: \"A\""}, {Handle: "bob", Role: graph.Admin}},
		Groups:   []Group{{Name: "lab", Admins: []string{"ada"}, Members: []string{"bob"}}},
		Authkeys: []Authkey{{Ident: "pot", Owner: "ada", Pub: []graph.Pattern{"cowrie.*"}, Expires: &expires}},
		Shares: []Share{
			{From: "ada", Channel: "cowrie.*", To: "group:lab", Note: "two\nlines", EnabledBy: []string{"bob"}},
			{From: "bob", Channel: "*", To: "ada"},
		},
	}
	var b bytes.Buffer
	if err := Write(&b, want, secret.Secret{}); err != nil {
		t.Fatal(err)
	}
	text := b.Bytes()
	got, err := Read(bytes.NewReader(text), secret.Secret{})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v: %+v", err, got)
	}
	begun := len("begin: definitions\n")
	for n := range len(text) - 1 { // without its last byte, which ends a line, it is whole
		_, err := Read(bytes.NewReader(text[:n]), secret.Secret{})
		if err == nil || n >= begun && (!errors.Is(err, ErrCut) || !strings.Contains(err.Error(), "no `end: definitions`")) {
			t.Errorf("cut after %d bytes: %v\n%s", n, err, text[:n])
		}
	}
	_, err = Read(bytes.NewReader(text[begun:]), secret.Secret{})
	if !errors.Is(err, ErrCut) || !strings.Contains(err.Error(), "no `begin: definitions`") {
		t.Errorf("without its first line: %v", err)
	}
}

// A mistake in a file that has its end is told with its line, whatever stands behind the end.
func TestMistakeInAWholeFileHasItsLine(t *testing.T) {
	for _, behind := range []string{"", " # ours", "\n# ours", "\nversion: 1"} {
		text := "begin: definitions\nversion: 1\nusers:\n- handle: [ada\nend: definitions" + behind + "\n"
		_, err := Read(strings.NewReader(text), secret.Secret{})
		if err == nil || errors.Is(err, ErrCut) || !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("%v:\n%s", err, text)
		}
	}
}

// What somebody has written needs no end, and one that was exported may be edited.
func TestFileByHandNeedsNoEnd(t *testing.T) {
	for _, text := range []string{
		"version: 1\nusers:\n- handle: ada\n",
		"begin: definitions\nversion: 1\nusers:\n- handle: ada\nend: definitions\n",
		"# ours\nversion: 1\nend: definitions\nbegin: definitions\nusers:\n- handle: ada\n",
	} {
		d, err := Read(strings.NewReader(text), secret.Secret{})
		if err != nil || len(d.Users) != 1 {
			t.Errorf("%v: %s", err, text)
		}
	}
}
