package prose

import (
	"fmt"
	"strings"

	"hpfriends/query/view"
)

// namedLosses is how many shares a sentence names.
const namedLosses = 4

// Loss tells what somebody no longer gets once they have left a group, of the shares with it; there may be more.
func Loss(who string, shares []view.Share, others bool) string {
	var named []string
	more := 0
	for _, s := range shares {
		switch {
		case s.From == who:
		case len(named) == namedLosses:
			more++
		default:
			named = append(named, view.Visible(fmt.Sprintf("%s of %s", s.Channel, s.From)))
		}
	}
	switch {
	case others && more == 0:
		named = append(named, "what else is shared with it")
	case others:
		named = append(named, fmt.Sprintf("at least %d more", more))
	case more > 0:
		named = append(named, fmt.Sprintf("%d more", more))
	}
	if len(named) == 0 {
		return "Nobody else shares anything with the group: what reaches whom stays as it is."
	}
	list := named[0]
	if n := len(named) - 1; n > 0 {
		list = strings.Join(named[:n], ", ") + " and " + named[n]
	}
	return fmt.Sprintf("Through the group, %s no longer reaches %s, now or from the past; nor whoever they pass it on to.",
		list, view.Visible(who))
}
