package subscription

import (
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/internal/timespec"
)

var testNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestRequestIsReadOrRefusedWithTheForms(t *testing.T) {
	now := testNow
	ten, noon := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	at := func(i uint64, o uint32) eventlog.Position { return eventlog.Position{Index: i, Offset: o} }
	for text, want := range map[string]Subscription{
		"dionaea.capture":                      {Channel: "dionaea.capture"},
		"d.*?since=2h":                         {Channel: "d.*", Range: Range{Since: now.Add(-2 * time.Hour)}},
		"c?since=2026-11-20T10:00:00Z":         {Channel: "c", Range: Range{Since: ten}},
		"c?since=2026-11-20T12:00:00+02:00":    {Channel: "c", Range: Range{Since: ten}},
		"c?since=2026-11-20T12%3A00%3A00Z":     {Channel: "c", Range: Range{Since: noon}},
		"c?from=first":                         {Channel: "c", Range: Range{First: true}},
		"c?from=%23812.4":                      {Channel: "c", Range: Range{From: at(812, 4)}},
		"c?from=#812":                          {Channel: "c", Range: Range{From: at(812, 0)}},
		"c?from=812.4&until=%23900":            {Channel: "c", Range: Range{From: at(812, 4), End: at(900, 0)}},
		"c?until=1h":                           {Channel: "c", Range: Range{Until: now.Add(-time.Hour)}},
		"c?follow=0&positions=1&notify=1":      {Channel: "c", NoFollow: true, Positions: true, Notify: true},
		"c?durable=tool.1&from=first":          {Channel: "c", Durable: "tool.1", Range: Range{First: true}},
		"c?follow=1&positions=0&echo=0":        {Channel: "c"},
		"c?positions=1&times=1":                {Channel: "c", Positions: true, Times: true},
		"c*?echo=1":                            {Channel: "c*", Echo: true},
		"$audit?since=1d":                      {Channel: "$audit", Range: Range{Since: now.Add(-24 * time.Hour)}},
		strings.Repeat("c", 255) + "?since=s":  {},
		"c?":                                   {},
		"c?since":                              {},
		"c?since=":                             {},
		"c?since=soon":                         {},
		"c?since=%zz":                          {},
		"c?from=0":                             {},
		"c?from=#0.0":                          {},
		"c?from=-1":                            {},
		"c?from=1.2.3":                         {},
		"c?from=99999999999999999999":          {},
		"c?follow=yes":                         {},
		"c?durable=":                           {},
		"c?durable=a/b":                        {},
		"c?durable=" + strings.Repeat("d", 65): {},
		"c?since=1h&from=first":                {},
		"c?since=1h&since=2h":                  {},
		"c?sinse=1h":                           {},
		"c?since=1h?from=first":                {},
	} {
		got, err := Parse(text, now)
		if want.Channel == "" {
			if err == nil || !strings.Contains(err.Error(), "since=TIME") || len(err.Error()) > 900 ||
				strings.Count(err.Error(), timespec.Forms) > 1 {
				t.Errorf("%.60q is taken as %+v, %v; want an error with the forms", text, got, err)
			}
			continue
		}
		want.Text = text
		if err != nil || got.Since.Equal(want.Since) != true || got.Until.Equal(want.Until) != true {
			t.Errorf("%q is read as %+v, %v; want %+v", text, got, err, want)
			continue
		}
		got.Since, got.Until, want.Since, want.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if got != want {
			t.Errorf("%q is read as %+v, want %+v", text, got, want)
		}
	}
}

func FuzzRequest(f *testing.F) {
	for _, text := range []string{
		"c?since=2h&follow=0", "c?from=%23812.4&until=now", "?", "a?b?c", "c?durable=x&positions=1",
		"c?times=1&echo=0",
	} {
		f.Add(text)
	}
	now := testNow
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text, now)
		if err != nil {
			return
		}
		if r.Text != text || !strings.HasPrefix(text, r.Channel) || strings.Contains(r.Channel, "?") {
			t.Errorf("%q became %+v", text, r)
		}
		if r.First && !r.Since.IsZero() {
			t.Errorf("%q became %+v", text, r)
		}
		again, err := Parse(r.String(), now)
		if r.Text, again.Text = "", ""; err != nil || !r.Since.Equal(again.Since) || !r.Until.Equal(again.Until) {
			t.Errorf("%q became %+v and then %+v, %v", text, r, again, err)
		}
		r.Since, r.Until, again.Since, again.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if r != again {
			t.Errorf("%q became %+v and then %+v", text, r, again)
		}
	})
}
