package pages

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/query/view"
)

// suggestion is a place to go to, or something to do, for what was typed.
type suggestion struct {
	Kind    string // what it is, in a word
	Title   string
	Detail  string
	Address string
	Accept  uint64 // instead: the share that is enabled
}

// maxSuggestions is how many the palette shows; of each kind of object it asks for perKind.
const (
	maxSuggestions = 12
	perKind        = 4
)

// jump is the palette: a fragment with what fits what was typed.
func jump(r *request) (any, error) {
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	all := r.suggestions(text)
	if found, err := r.Query.Search(r.actor, query.SearchQuery{Text: text, Limit: perKind}); err == nil && text != "" {
		for _, hit := range found.Hits {
			if s, ok := r.suggestHit(hit); ok {
				all = append(all, s)
			}
		}
	}
	return all[:min(len(all), maxSuggestions)], nil
}

// suggestions are pages, moments and acts for what was typed; objects are found by a search.
func (r *request) suggestions(text string) []suggestion {
	all := append(r.suggestMoments(text), r.suggestActs(text)...)
	if text == "" {
		all = append(all, r.suggestWaiting("")...)
	}
	return append(all, r.suggestPages(text)...)
}

// suggestMoments reads a position or a time.
func (r *request) suggestMoments(text string) (all []suggestion) {
	moment := func(name string) []suggestion {
		at := url.QueryEscape(name)
		return []suggestion{
			{Kind: "as of", Title: "Shares as of " + text, Address: "/shares?at=" + at},
			{Kind: "as of", Title: "Graph as of " + text, Address: "/graph?at=" + at},
		}
	}
	if position, err := entry.ParsePosition(text); err == nil && strings.HasPrefix(text, "#") {
		if strings.Contains(text, ".") {
			return []suggestion{{Kind: "message", Title: position.String(), Address: "/m/" + position.String()[1:]}}
		}
		return append(moment(text), suggestion{
			Kind: "change", Title: text, Address: "/audit/" + strings.TrimPrefix(text, "#"),
		})
	}
	if t, err := timespec.Past(text, r.now.In(r.prefs.zone)); err == nil && !t.After(r.now) {
		return append(moment(text), suggestion{
			Kind: "since", Title: "Messages since " + text, Detail: t.In(r.prefs.zone).Format(time.DateTime),
			Address: "/history?since=" + url.QueryEscape(text),
		})
	}
	return nil
}

// The acts that can be typed. A word that is missing is asked for by the form.
var (
	shareWords = regexp.MustCompile(`(?i)^share(?:\s+(\S+)(?:\s+(?:with|to)\s+(\S.*))?)?$`)
	whyWords   = regexp.MustCompile(`(?i)^why\s+(?:does|do|can)\s+(\S+)\s+not\s+(?:get|see|receive)\s+(\S+?)(?:\s+from\s+(\S+?))?\??$`)
	takeWords  = regexp.MustCompile(`(?i)^(?:accept|enable)(?:\s+(.*))?$`)
)

func (r *request) suggestActs(text string) (all []suggestion) {
	if m := shareWords.FindStringSubmatch(text); m != nil {
		return []suggestion{r.suggestShare(m[1], m[2])}
	}
	if m := whyWords.FindStringSubmatch(text); m != nil {
		return []suggestion{r.suggestWhy(m[1], m[2], m[3])}
	}
	if m := takeWords.FindStringSubmatch(text); m != nil {
		return r.suggestWaiting(m[1])
	}
	return nil
}

func (r *request) suggestShare(channel, to string) suggestion {
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
	return suggestion{
		Kind: "do", Title: title + " …", Detail: "shows whom it reaches", Address: "/shares?" + form.Encode() + "#add",
	}
}

// suggestWhy explains why somebody does not get a channel: from who asks, or else from who shares it with them.
func (r *request) suggestWhy(to, channel, from string) suggestion {
	if strings.EqualFold(to, "I") || strings.EqualFold(to, "me") {
		to = r.Handle()
	}
	switch {
	case strings.EqualFold(from, "me"):
		from = r.Handle()
	case from == "" && to != r.Handle():
		from = r.Handle()
	case from == "":
		for _, s := range r.Query.SharesWith(r.actor, r.actor.User) {
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
	return suggestion{Kind: "do", Title: title + "?", Address: "/why?" + asked.Encode()}
}

// suggestWaiting are shares that wait for the decision of who asks, and have all the words.
func (r *request) suggestWaiting(words string) (all []suggestion) {
	for _, s := range r.Query.SharesWith(r.actor, r.actor.User) {
		if stateOfIncoming(s) != "waiting" || !hasWords(s.From+" "+string(s.Channel)+" "+s.To+" "+s.Note, words) {
			continue
		}
		if all = append(all, suggestion{
			Kind: "do", Title: "Enable " + string(s.Channel) + " of " + s.From, Detail: s.Note, Accept: uint64(s.ID),
		}); len(all) == perKind {
			break
		}
	}
	return all
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

// tasks are forms that have an address of their own.
var tasks = []suggestion{
	{Kind: "do", Title: "Add share", Address: "/shares?add#add"},
	{Kind: "do", Title: "Add authkey", Address: "/authkeys?add#add"},
	{Kind: "do", Title: "New group", Address: "/groups"},
}

// suggestPages are pages of which each word begins a word of the title.
func (r *request) suggestPages(text string) (all []suggestion) {
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
		if text != "" && fits(t.Title) {
			all = append(all, t)
		}
	}
	for _, pg := range r.routes {
		if pg.bare || strings.Contains(pg.path, "{") || pg.path == "/authkey" || pg.admin && !r.viewer.CanSeeAll() {
			continue
		}
		if fits(pg.title) {
			all = append(all, suggestion{Kind: "page", Title: pg.title, Detail: pg.about, Address: pg.path})
		}
	}
	return all
}

// suggestHit leads to what a search has found.
func (r *request) suggestHit(h view.Hit) (suggestion, bool) {
	s := suggestion{Kind: string(h.Kind)}
	switch {
	case h.Channel != nil:
		s.Title, s.Address = h.Channel.Name, "/live?"+url.Values{"channel": {h.Channel.Name}}.Encode()
	case h.Group != nil:
		s.Title, s.Address = h.Group.Name, "/groups/"+url.PathEscape(h.Group.Name)
	case h.User != nil:
		s.Kind, s.Title, s.Detail = "person", h.User.Handle, h.User.Name
		s.Address = "/shares?" + url.Values{"to": {h.User.Handle}}.Encode() + "#add"
	case h.Authkey != nil:
		s.Title, s.Detail = h.Authkey.Ident, h.Authkey.Comment
		s.Address = "/authkey?" + url.Values{"ident": {h.Authkey.Ident}}.Encode()
	case h.Share != nil:
		s.Title, s.Detail = string(h.Share.Channel), h.Share.From+" → "+h.Share.To
		id := strconv.FormatUint(uint64(h.Share.ID), 10)
		if s.Address = "/shares/" + id; h.Share.From != r.Handle() {
			s.Address = "/incoming#share-" + id
		}
	default:
		return s, false
	}
	return s, true
}
