package main

import (
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog"
)

func TestRequestIsReadOrRefusedWithTheForms(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(i uint64, o uint32) eventlog.Position { return eventlog.Position{Index: i, Offset: o} }
	for text, want := range map[string]request{
		"dionaea.capture":                      {channel: "dionaea.capture"},
		"d.*?since=2h":                         {channel: "d.*", since: now.Add(-2 * time.Hour)},
		"c?since=2026-11-20T10:00:00Z":         {channel: "c", since: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)},
		"c?since=2026-11-20T12:00:00+02:00":    {channel: "c", since: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)},
		"c?since=2026-11-20T12%3A00%3A00Z":     {channel: "c", since: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)},
		"c?from=first":                         {channel: "c", first: true},
		"c?from=%23812.4":                      {channel: "c", from: at(812, 4)},
		"c?from=#812":                          {channel: "c", from: at(812, 0)},
		"c?from=812.4&until=%23900":            {channel: "c", from: at(812, 4), end: at(900, 0)},
		"c?until=1h":                           {channel: "c", until: now.Add(-time.Hour)},
		"c?follow=0&positions=1&notify=1":      {channel: "c", noFollow: true, positions: true, notify: true},
		"c?durable=tool.1&from=first":          {channel: "c", first: true, durable: "tool.1"},
		"c?follow=1&positions=0":               {channel: "c"},
		"$audit?since=1d":                      {channel: "$audit", since: now.Add(-24 * time.Hour)},
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
		got, err := parseRequest(text, now)
		if want.channel == "" {
			if err == nil || !strings.Contains(err.Error(), "since=TIME") || len(err.Error()) > 900 {
				t.Errorf("%.60q is taken as %+v, %v; want an error with the forms", text, got, err)
			}
			continue
		}
		want.text = text
		if err != nil || got.since.Equal(want.since) != true || got.until.Equal(want.until) != true {
			t.Errorf("%q is read as %+v, %v; want %+v", text, got, err, want)
			continue
		}
		got.since, got.until, want.since, want.until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if got != want {
			t.Errorf("%q is read as %+v, want %+v", text, got, want)
		}
	}
}

func FuzzRequest(f *testing.F) {
	for _, text := range []string{"c?since=2h&follow=0", "c?from=%23812.4&until=now", "?", "a?b?c", "c?durable=x&positions=1"} {
		f.Add(text)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRequest(text, now)
		if err != nil {
			return
		}
		if r.text != text || !strings.HasPrefix(text, r.channel) || strings.Contains(r.channel, "?") {
			t.Errorf("%q became %+v", text, r)
		}
		if r.first && !r.since.IsZero() || r.past() != (r.first || !r.since.IsZero() || r.from != eventlog.Position{} || r.durable != "") {
			t.Errorf("%q became %+v", text, r)
		}
	})
}
