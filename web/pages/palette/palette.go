// Package palette finds where somebody wants to go, or what they want to do, for what they have typed: pages, moments,
// acts, and what a search finds. It changes nothing; each suggestion is an address, or a share that a form can enable.
//
// A Palette is of one request, and for one goroutine.
package palette

import (
	"context"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/pages/format"
)

// Palette makes suggestions to one who asks.
type Palette struct {
	Query  *query.Query
	Actor  graph.Actor
	Handle string    // of who asks
	Now    time.Time // in their zone
	Pages  []Page    // that they may see
}

// Page is a page that has a fixed address.
type Page struct{ Title, About, Path string }

// Suggestion is a place to go to, or something to do, for what was typed.
type Suggestion struct {
	Kind    string // what it is, in a word
	Title   string
	Detail  string
	Address string
	Accept  uint64 // instead: the share that is enabled
	Logout  bool   // instead: who asks logs out
}

// maxSuggestions is how many are made; of each kind of object a search finds perKind.
const (
	maxSuggestions = 12
	perKind        = 4
)

// All are suggestions of every kind for what was typed.
func (p *Palette) All(ctx context.Context, text string) []Suggestion {
	all := p.suggest(text)
	found, err := p.Query.Search(ctx, p.Actor, query.SearchQuery{Text: text, Limit: perKind})
	if err == nil && text != "" {
		for _, hit := range found.Hits {
			if s, ok := p.hit(hit); ok {
				all = append(all, s)
			}
		}
	}
	return all[:min(len(all), maxSuggestions)]
}

// Places are pages, moments and acts: what stands beside the objects of a search.
func (p *Palette) Places(text string) []Suggestion {
	all := p.suggest(text)
	return all[:min(len(all), maxSuggestions)]
}

func (p *Palette) suggest(text string) []Suggestion {
	all := append(p.moments(text), p.acts(text)...)
	if text == "" {
		all = append(all, p.waiting("")...)
	}
	return append(all, p.pages(text)...)
}

// moments reads a position or a time.
func (p *Palette) moments(text string) (all []Suggestion) {
	moment := func(name, detail string) []Suggestion {
		at := url.QueryEscape(name)
		return []Suggestion{
			{Kind: "as of", Title: "Shares as of " + name, Detail: detail, Address: "/shares?at=" + at},
			{Kind: "as of", Title: "Graph as of " + name, Detail: detail, Address: "/graph?at=" + at},
		}
	}
	if position, err := entry.ParsePosition(text); err == nil && strings.HasPrefix(text, "#") {
		if strings.Contains(text, ".") {
			return []Suggestion{{Kind: "message", Title: position.String(), Address: "/m/" + position.String()[1:]}}
		}
		return append(moment(text, ""), Suggestion{
			Kind: "change", Title: text, Address: "/audit/" + strings.TrimPrefix(text, "#"),
		})
	}
	t, err := timespec.Past(text, p.Now)
	if err != nil || !t.Before(p.Now) {
		return nil
	}
	// By its date the address means the same tomorrow, and to a colleague in another zone it is told which this is.
	exact := t.In(p.Now.Location()).Format(time.DateTime)
	detail := p.Now.Location().String() + ", " + format.Duration(p.Now.Sub(t)) + " ago"
	return append(moment(exact, detail), Suggestion{
		Kind: "since", Title: "Messages since " + exact, Detail: detail,
		Address: "/history?since=" + url.QueryEscape(text),
	})
}

// The acts that can be typed. A word that is missing is asked for by the form.
var (
	shareWords = regexp.MustCompile(`(?i)^share(?:\s+(\S+)(?:\s+(?:with|to)\s+(\S.*))?)?$`)
	whyWords   = regexp.MustCompile(`(?i)^why\s+(?:does|do|can)\s+(\S+)\s+not\s+(?:get|see|receive)\s+(\S+?)(?:\s+from\s+(\S+?))?\??$`)
	takeWords  = regexp.MustCompile(`(?i)^(?:accept|enable)(?:\s+(.*))?$`)
)

func (p *Palette) acts(text string) (all []Suggestion) {
	if m := shareWords.FindStringSubmatch(text); m != nil {
		return []Suggestion{p.share(m[1], m[2])}
	}
	if m := whyWords.FindStringSubmatch(text); m != nil {
		return []Suggestion{p.why(m[1], m[2], m[3])}
	}
	if m := takeWords.FindStringSubmatch(text); m != nil {
		return p.waiting(m[1])
	}
	return nil
}

func (p *Palette) share(channel, to string) Suggestion {
	form := url.Values{"add": {""}}
	title := "Share"
	if channel != "" {
		form.Set("channel", channel)
		title += " " + channel
	}
	if to != "" {
		form.Set("to", to)
		title += " with " + to
	}
	return Suggestion{
		Kind: "do", Title: title + " …", Detail: "shows whom it reaches", Address: "/shares?" + form.Encode(),
	}
}

// why explains why somebody does not get a channel: from who asks, or else from who shares it with them.
func (p *Palette) why(to, channel, from string) Suggestion {
	if strings.EqualFold(to, "I") || strings.EqualFold(to, "me") {
		to = p.Handle
	}
	switch {
	case strings.EqualFold(from, "me"):
		from = p.Handle
	case from == "" && to != p.Handle:
		from = p.Handle
	case from == "":
		for _, s := range p.Query.SharesWith(p.Actor, p.Actor.User) {
			if s.Channel.Match(channel) {
				from = s.From
				break
			}
		}
	}
	asked := url.Values{"from": {from}, "to": {to}, "channel": {channel}}
	title := "Why does " + to + " not get " + channel
	if from != "" {
		title += " from " + from
	}
	return Suggestion{Kind: "do", Title: title + "?", Address: "/why?" + asked.Encode()}
}

// waiting are shares that wait for the decision of who asks, and have all the words.
func (p *Palette) waiting(words string) (all []Suggestion) {
	for _, s := range p.Query.SharesWith(p.Actor, p.Actor.User) {
		if !waits(s) || !hasWords(s.From+" "+string(s.Channel)+" "+s.To+" "+s.Note, words) {
			continue
		}
		if all = append(all, Suggestion{
			Kind: "do", Title: "Enable " + string(s.Channel) + " of " + s.From, Detail: s.Note, Accept: uint64(s.ID),
		}); len(all) == perKind {
			break
		}
	}
	return all
}

// waits reports whether a share waits for the decision of its receiver.
func waits(s view.Share) bool {
	return !s.Expired && s.Decision != view.Enabled && s.Decision != view.Disabled
}

func hasWords(text, words string) bool {
	text = strings.ToLower(text)
	for _, w := range strings.Fields(strings.ToLower(words)) {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// tasks are forms that have an address of their own, with other words that people call them by.
var tasks = []struct {
	Suggestion
	also string
}{
	{Suggestion{Kind: "do", Title: "Add share", Address: "/shares?add"}, "new"},
	{Suggestion{Kind: "do", Title: "Add authkey", Address: "/authkeys?add"}, "new key"},
	{Suggestion{Kind: "do", Title: "New group", Address: "/groups?add"}, "add"},
	{Suggestion{Kind: "do", Title: "New API token", Address: "/account#tokens"}, "add"},
	{Suggestion{Kind: "do", Title: "Change password", Address: "/account#password"}, ""},
	{Suggestion{Kind: "do", Title: "Theme and time zone", Address: "/preferences"}, "dark light keys"},
	{Suggestion{Kind: "do", Title: "Log out", Logout: true}, "logout sign"},
}

// pages are pages of which each word begins a word of the title.
func (p *Palette) pages(text string) (all []Suggestion) {
	words := strings.Fields(strings.ToLower(text))
	fits := func(title string) bool {
		for _, w := range words {
			if !strings.Contains(" "+strings.ToLower(title), " "+w) {
				return false
			}
		}
		return true
	}
	for _, t := range tasks {
		if text != "" && fits(t.Title+" "+t.also) {
			all = append(all, t.Suggestion)
		}
	}
	for _, page := range p.Pages {
		if fits(page.Title) {
			all = append(all, Suggestion{Kind: "page", Title: page.Title, Detail: page.About, Address: page.Path})
		}
	}
	return all
}

// hit leads to what a search has found.
func (p *Palette) hit(h view.Hit) (Suggestion, bool) {
	s := Suggestion{Kind: string(h.Kind)}
	switch {
	case h.Channel != nil:
		s.Title, s.Address = h.Channel.Name, "/live?"+url.Values{"channel": {h.Channel.Name}}.Encode()
	case h.Group != nil:
		s.Title, s.Address = h.Group.Name, "/groups/"+url.PathEscape(h.Group.Name)
	case h.User != nil:
		s.Kind, s.Title, s.Detail = "person", h.User.Handle, h.User.Name
		s.Address = "/shares?" + url.Values{"to": {h.User.Handle}}.Encode()
	case h.Authkey != nil:
		s.Title, s.Detail = h.Authkey.Ident, h.Authkey.Comment
		s.Address = "/authkey?" + url.Values{"ident": {h.Authkey.Ident}}.Encode()
	case h.Share != nil:
		s.Title, s.Detail = string(h.Share.Channel), h.Share.From+" → "+h.Share.To
		id := strconv.FormatUint(uint64(h.Share.ID), 10)
		if s.Address = "/shares/" + id; h.Share.From != p.Handle {
			s.Address = "/incoming#share-" + id
		}
	default:
		return s, false
	}
	return s, true
}
