package format

import (
	"strings"
	"testing"
	"time"
)

func TestSentenceBeginsAndEndsLikeOne(t *testing.T) {
	for text, want := range map[string]string{
		"there is no user bob":              "There is no user bob.",
		"choose another name, or `x`":       "Choose another name, or `x`.",
		`ends: "x" is not a time`:           `Ends: "x" is not a time.`,
		"max_message is -1":                 "max_message is -1.",
		`"10.0.0.0/99" is no network`:       `"10.0.0.0/99" is no network.`,
		"there is no share #139":            "There is no share #139.",
		"write 192.0.2.0/24":                "Write 192.0.2.0/24",
		"Nothing was removed.":              "Nothing was removed.",
		"a\x1bb cannot be, nor can Ünïcödé": "a\\x1bb cannot be, nor can Ünïcödé.",
		"":                                  "",
	} {
		if got := Sentence(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// What has happened is not ahead, whatever clock says so; what is due is.
func TestWhatHasHappenedIsNotAhead(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		at       time.Duration
		ago, due string
	}{
		{-3 * time.Second, "3 s ago", "3 s ago"}, {0, "now", "now"}, {2 * time.Second, "now", "in 2 s"},
		{time.Hour, "in 1 h", "in 1 h"}, // this clock is wrong, or that one
	} {
		if got := string(Ago(now.Add(test.at), now)); !strings.Contains(got, ">"+test.ago+"<") {
			t.Errorf("%v: %s, want %s", test.at, got, test.ago)
		}
		if got := string(Due(now.Add(test.at), now)); !strings.Contains(got, ">"+test.due+"<") {
			t.Errorf("%v is due %s, want %s", test.at, got, test.due)
		}
	}
}

func TestBuildIsShort(t *testing.T) {
	for version, want := range map[string]string{
		"v0.0.0-20261201052237-8d81882d6101":         "8d81882d6101",
		"v1.2.4-0.20261201052237-8d81882d6101+dirty": "8d81882d6101+dirty",
		"v1.2.3":      "v1.2.3",
		"v1.2.4-rc.1": "v1.2.4-rc.1",
		"devel":       "devel",
	} {
		if got := Build(version); got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}
