// Package filter selects among what a viewer is shown, so that nothing is found by what is not shown. It is pure.
package filter

import (
	"slices"
	"strings"

	"hpfriends/graph"
	"hpfriends/query/match"
	"hpfriends/query/view"
)

// Shares selects among shares that a viewer is shown; what is empty selects all.
type Shares struct {
	Text     string // words that all occur in channel, note, owner or receiver, as Search has it
	Type     graph.ShareType
	Owner    string        // handle
	Receiver string        // handle, or group:NAME
	State    view.Decision // the viewer's own; of shares with others: enabled if somebody has enabled it
}

// Of returns the shares that f selects. It looks at what the viewer is shown only.
func (f Shares) Of(all []view.Share) ([]view.Share, error) {
	words, err := wordsOf(f.Text)
	return slices.DeleteFunc(all, func(s view.Share) bool {
		return words != nil && words.Match(string(s.Channel), s.Note, s.From, s.To) == match.Nowhere ||
			f.Type != "" && s.Type != f.Type ||
			f.Owner != "" && !strings.EqualFold(s.From, f.Owner) ||
			f.Receiver != "" && !strings.EqualFold(s.To, f.Receiver) ||
			f.State != "" && stateOf(s) != f.State
	}), err
}

func stateOf(s view.Share) view.Decision {
	switch {
	case s.Decision != "":
		return s.Decision
	case len(s.EnabledBy) > 0:
		return view.Enabled
	case len(s.DisabledBy) > 0:
		return view.Disabled
	}
	return view.Waiting
}
