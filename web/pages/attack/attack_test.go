package attack

import (
	"strings"
	"testing"
)

// What an event says of itself is kept in pages and streams: it is short, however long it comes.
func TestWhatIsShownIsShort(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	a, ok := Parse([]byte(`{"type":"`+long+`","city":"`+long+`","countrycode":"`+long+`","latitude":1,"longitude":1}`), nil)
	if n := len(a.Kind) + len(a.From.City) + len(a.From.Country); !ok || n > 2000 {
		t.Errorf("%d bytes, ok %v", n, ok)
	}
}
