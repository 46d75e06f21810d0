package term

import (
	"strings"
	"testing"
)

func TestOneIsNotMany(t *testing.T) {
	for n, want := range map[int]string{0: "0 entries", 1: "1 entry", 2: "2 entries"} {
		if got := Count(n, "entry", "entries"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for one, want := range map[string]string{"message": "1 message in ", "entry": "1 entry in "} {
		var said strings.Builder
		p := NewProgress(&said, "many", 0)
		p.Add(1)
		p.Done(one)
		if !strings.HasPrefix(said.String(), want) {
			t.Errorf("got %q, want %q", said.String(), want)
		}
	}
}
