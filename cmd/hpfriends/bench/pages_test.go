package bench

import (
	"testing"

	"hpfriends/web/pages"
)

func TestEveryPageIsAskedFor(t *testing.T) {
	known := addresses("1", "1.0")
	for _, path := range pages.Paths() {
		if len(known[path]) == 0 {
			t.Errorf("the benchmark has no address of the page %s", path)
		}
		delete(known, path)
	}
	for path := range known {
		t.Errorf("there is no page %s", path)
	}
}
