package match

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hpfriends/graph"
	"hpfriends/internal/timespec"
)

// Query is a text with operators, like `channel:cowrie since:2h "login failed"`: words, and phrases in quotes, all of
// which occur, and what an object is about.
type Query struct {
	words        *Words // nil: none
	about        map[string]Words
	since, until time.Time
}

// Operators are what a text may ask an object about, beside since and until.
var Operators = []string{"channel", "user", "key", "ip", "group"}

// Facts are what an object is about, by operator, and when it was.
type Facts struct {
	about map[string][]string // nil: nobody asks
	Time  time.Time
}

// About are facts without a time: operators and fields in turn. They are kept only if the query asks for any.
func (q *Query) About(pairs ...string) (f Facts) {
	if len(q.about) == 0 {
		return f
	}
	f.about = make(map[string][]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return f
}

// Add adds a fact; an empty field is none.
func (f *Facts) Add(operator, field string) {
	if f.about != nil && field != "" {
		f.about[operator] = append(f.about[operator], field)
	}
}

// Parse reads a text. Times are read as timespec has them. Errors are *graph.Error.
func Parse(text string, now time.Time) (q Query, err error) {
	if len(text) > maxText {
		return q, refuse("shorten it", "the text has %d bytes, at most %d are allowed", len(text), maxText)
	}
	q.about = make(map[string]Words)
	var words Words
	for _, t := range tokens(text) {
		if t.operator == "" {
			words.words = append(words.words, strings.Join(strings.Fields(fold(t.value)), " "))
			continue
		}
		if err := q.operator(t, now); err != nil {
			return q, err
		}
	}
	words.words = slices.DeleteFunc(words.words, func(w string) bool { return w == "" })
	switch {
	case len(words.words) > maxWords:
		return q, refuse("use fewer", "%d words, at most %d are allowed", len(words.words), maxWords)
	case len(words.words) > 0:
		words.whole = strings.Join(words.words, " ")
		q.words = &words
	case len(q.about) == 0 && q.since.IsZero() && q.until.IsZero():
		return q, refuse("name a word", "there is nothing to search for")
	}
	return q, nil
}

func (q *Query) operator(t token, now time.Time) (err error) {
	if t.value == "" {
		return refuse("write "+t.operator+":VALUE, or in quotes to search for it", "after %s: nothing is named", t.operator)
	}
	switch {
	case t.operator == "since" || t.operator == "until":
		at := &q.since
		if t.operator == "until" {
			at = &q.until
		}
		if *at, err = timespec.Past(t.value, now); err != nil {
			return refuse("", "%s: %v", t.operator, err)
		}
		return nil
	case slices.Contains(Operators, t.operator):
		q.about[t.operator], err = New(t.value)
		return err
	}
	return refuse(
		fmt.Sprintf("use %s:, since: or until:, or put it in quotes to search for it", strings.Join(Operators, ":, ")),
		"there is no operator %s:", graph.Clip(t.operator))
}

// Match grades an object by its fields, if it is about what is asked for.
func (q *Query) Match(f Facts, fields ...string) Grade {
	if !q.since.IsZero() && (f.Time.IsZero() || f.Time.Before(q.since)) ||
		!q.until.IsZero() && (f.Time.IsZero() || !f.Time.Before(q.until)) {
		return Nowhere
	}
	for operator, words := range q.about {
		if words.Match(f.about[operator]...) == Nowhere {
			return Nowhere
		}
	}
	if q.words == nil {
		return Exact
	}
	return q.words.Match(fields...)
}

// token is a word, a phrase, or an operator with its value.
type token struct{ operator, value string }

// tokens cuts a text at blanks, but not within quotes. What stands before a colon is an operator if it is made of
// letters; addresses of the web and of IPv6 are words.
func tokens(text string) (all []token) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		var t token
		name := text[:len(text)-len(strings.TrimLeft(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))]
		if rest, ok := strings.CutPrefix(text[len(name):], ":"); ok && name != "" &&
			!strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, ":") {
			t.operator, text = strings.ToLower(name), rest
		}
		if rest, ok := strings.CutPrefix(text, `"`); ok {
			t.value, text, _ = strings.Cut(rest, `"`)
		} else {
			end := strings.IndexFunc(text, func(c rune) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' })
			if end < 0 {
				end = len(text)
			}
			t.value, text = text[:end], text[end:]
		}
		all = append(all, t)
	}
	return all
}

// Asks reports whether the query has an operator, of Operators.
func (q *Query) Asks(operator string) bool { _, ok := q.about[operator]; return ok }

// Timed reports whether the text asks for a time.
func (q *Query) Timed() bool { return !q.since.IsZero() || !q.until.IsZero() }

// Within is a time that the text asks for.
func (q *Query) Within() time.Time {
	if q.until.IsZero() {
		return q.since
	}
	return q.until.Add(-1)
}
