package recentlog

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

func text(t *testing.T, r *Ring) string {
	t.Helper()
	var b strings.Builder
	if _, err := r.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRingHasTheNewestLines(t *testing.T) {
	r := New(100)
	for i := range 1000 {
		fmt.Fprintf(r, "line %d\n", i)
	}
	fmt.Fprint(r, strings.Repeat("x", 101)) // would push out all others
	got := text(t, r)
	if len(got) > 100 || !strings.HasSuffix(got, "line 998\nline 999\n") || !strings.HasPrefix(got, "line ") {
		t.Errorf("got %q", got)
	}
	if n := strings.Count(got, "\n"); n != 11 {
		t.Errorf("%d lines of 9 bytes in 100", n)
	}
}

func TestTokensOfLinksAreLeftOut(t *testing.T) {
	r := New(1 << 10)
	link := "http://127.0.0.1:8080/setup?token=s3cr3t-t0ken&x=1"
	slog.New(slog.NewJSONHandler(r, nil)).Warn("open it", "link", link)
	slog.New(slog.NewTextHandler(r, nil)).Warn("open it", "link", link, "next", "kept")
	if got := text(t, r); strings.Contains(got, "s3cr3t") || strings.Count(got, "token=***") != 2 ||
		!strings.Contains(got, "next=kept") {
		t.Error(got)
	}
}

func TestRingTakesManyWriters(t *testing.T) {
	r := New(1 << 10)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				fmt.Fprintln(r, "abc")
				text(t, r)
			}
		})
	}
	all.Wait()
	if got := text(t, r); strings.Trim(got, "abc\n") != "" || len(got) != 1024 {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
