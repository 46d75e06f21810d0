package palette

import (
	"fmt"
	"testing"

	"hpfriends/query/view"
)

func TestChannelsAreSuggested(t *testing.T) {
	var all []view.Channel
	for _, name := range []string{".x", ".y", "a", "cowrie.a", "cowrie.b", "cowrie.c", "hidden\u202e", "one.x"} {
		all = append(all, view.Channel{Name: name})
	}
	if got := fmt.Sprint(Channels(all)); got != "[cowrie.* .x .y a cowrie.a cowrie.b cowrie.c one.x]" {
		t.Error(got)
	}
	if got := Channels(nil); got != nil {
		t.Error(got)
	}
}
