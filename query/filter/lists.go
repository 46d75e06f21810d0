package filter

import (
	"slices"
	"time"

	"hpfriends/graph"
	"hpfriends/query/match"
	"hpfriends/query/view"
)

// Users selects among users that a viewer is shown; what is empty selects all.
type Users struct {
	Text  string // words that all occur in handle or name
	Role  graph.Role
	State State // enabled or disabled
}

// State is whether something may be used.
type State string

// The states of users and authkeys.
const (
	Enabled  State = "enabled"
	Disabled State = "disabled"
	Expired  State = "expired" // of authkeys
	Unused   State = "unused"  // of authkeys: nothing has logged in with it yet
)

// Of returns the users that f selects. Role and state are not shown of everybody: who is shown without is not selected
// by them.
func (f Users) Of(all []view.User) ([]view.User, error) {
	words, err := wordsOf(f.Text)
	return slices.DeleteFunc(all, func(u view.User) bool {
		return words != nil && words.Match(u.Handle, u.Name) == match.Nowhere ||
			f.Role != "" && u.Role != f.Role ||
			f.State != "" && (u.Enabled == nil || *u.Enabled != (f.State == Enabled))
	}), err
}

// Groups returns the groups in whose name all words of a text occur.
func Groups(all []view.Group, text string) ([]view.Group, error) {
	words, err := wordsOf(text)
	return slices.DeleteFunc(all, func(g view.Group) bool {
		return words != nil && words.Match(g.Name) == match.Nowhere
	}), err
}

// Invitations returns the invitations in whose note, group, role or inviter all words of a text occur.
func Invitations(all []view.Invitation, text string) ([]view.Invitation, error) {
	words, err := wordsOf(text)
	return slices.DeleteFunc(all, func(i view.Invitation) bool {
		return words != nil && words.Match(i.Note, i.Group, string(i.Role), i.By) == match.Nowhere
	}), err
}

// Authkeys selects among authkeys that a viewer is shown; what is empty selects all.
type Authkeys struct {
	Text  string // words that all occur in ident, comment, owner or patterns
	State State
	Now   time.Time
}

// Of returns the authkeys that f selects.
func (f Authkeys) Of(all []view.Authkey) ([]view.Authkey, error) {
	words, err := wordsOf(f.Text)
	return slices.DeleteFunc(all, func(k view.Authkey) bool {
		fields := []string{k.Ident, k.Comment, k.Owner}
		for _, p := range slices.Concat(k.Pub, k.Sub) {
			fields = append(fields, string(p))
		}
		return words != nil && words.Match(fields...) == match.Nowhere || f.State != "" && !f.in(k)
	}), err
}

func (f Authkeys) in(k view.Authkey) bool {
	expired := k.Expires != nil && k.Expires.Before(f.Now)
	switch f.State {
	case Enabled:
		return k.Enabled && !expired
	case Disabled:
		return !k.Enabled
	case Expired:
		return expired
	case Unused:
		return k.Stats != nil && k.Stats.LastSeen == nil
	}
	return false
}

// wordsOf reads the words of a text; nil: there are none.
func wordsOf(text string) (*match.Words, error) {
	if text == "" {
		return nil, nil
	}
	words, err := match.New(text)
	return &words, err
}
