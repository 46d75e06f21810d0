package pages

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/web/pages/payload"
)

// messageRow is a message in a table.
type messageRow struct {
	Position string
	Time     time.Time
	Channel  string
	Ident    string
	Origin   string
	Preview  string // of the payload, in one line
	Size     int
}

func rowOf(m query.Message) messageRow {
	return messageRow{
		Position: strings.TrimPrefix(m.Position.String(), "#"), Time: m.Time, Channel: m.Channel, Ident: string(m.Ident),
		Origin: m.Origin, Preview: payload.Preview(m.Payload), Size: len(m.Payload),
	}
}

// newest reads the newest messages on channels that keep takes, and where the log ends. stopped: there may be more,
// which were not looked for any further.
func newest(
	r *request, f query.MessageFilter, n int, keep func(query.Message) bool,
) (end string, stopped bool, err error) {
	if f.Until, err = r.Query.ParsePosition("now", r.now); err != nil {
		return "", false, err
	}
	f.Newest = true
	stopped, err = each(r, r.Query.Messages(r.actor, f), func(m query.Message) bool {
		if keep(m) {
			n--
		}
		return n > 0
	})
	return f.Until.String(), stopped, err
}

// each calls take with messages until it has enough. stopped: it took too long to look further.
func each(r *request, messages *query.Messages, take func(query.Message) bool) (stopped bool, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	for {
		m, err := messages.Next(ctx)
		var gap *query.Gap
		switch {
		case errors.As(err, &gap):
		case errors.Is(err, io.EOF):
			return false, nil
		case errors.Is(err, context.DeadlineExceeded) && r.Context().Err() == nil:
			return true, nil
		case err != nil:
			return false, err
		case !take(m):
			return false, nil
		}
	}
}

// readTimeout bounds how long a page looks for messages of which there are few in a long log. It then shows those that
// it has found.
const readTimeout = 2 * time.Second

// patterns reads the channels that the address names, with commas or blanks between them; without any, all.
func (r *request) patterns() ([]graph.Pattern, error) {
	fields := strings.FieldsFunc(strings.Join(r.URL.Query()["channel"], ","), func(c rune) bool {
		return c == ',' || c == ' '
	})
	if len(fields) == 0 {
		return []graph.Pattern{"*"}, nil
	}
	var all []graph.Pattern
	for _, f := range fields {
		p, err := graph.ParsePattern(f)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// messageData is everything about one message.
type messageData struct {
	messageRow
	Text, Hex string
	Tree      []payload.Node // of JSON; empty: it is none
	Cut       bool           // Text and Hex are not the whole payload
	Defanged  bool           // the URLs in Tree and Text are
	Exact     bool           // they are not, as the address asks
	Form      string         // tree, text, hex
	Path      whyData
	Same      []payload.Indicator // what other messages can be found by
}

// With is the address of the messages with an indicator.
func (messageData) With(value string) string { return monthWith(value) }

// monthWith is the address of the messages of a month that contain a text.
func monthWith(text string) string {
	return "/history?" + url.Values{"text": {text}, "since": {"30d"}}.Encode()
}

// shownBytes is how much of a payload a page holds; the rest is for who downloads it.
const shownBytes = 64 << 10

// message shows the message at a position, and its payload alone with ?download.
func message(r *request) (any, error) {
	m, err := find(r)
	if err != nil {
		return nil, err
	}
	d := messageData{messageRow: rowOf(m), Form: r.URL.Query().Get("as")}
	d.Tree = payload.Tree(m.Payload)
	d.Same = payload.Indicators(d.Tree)
	if d.Form != "text" && d.Form != "hex" {
		d.Form = "text"
		if d.Tree != nil {
			d.Form = "tree"
		}
	}
	shown := m.Payload
	if d.Cut = len(shown) > shownBytes; d.Cut {
		shown = shown[:shownBytes]
	}
	d.Text, d.Hex = payload.Lines(shown), hex.Dump(shown)
	if d.Exact = r.URL.Query().Has("exact"); !d.Exact {
		d.Text, d.Tree, d.Defanged = payload.Defanged(d.Text, d.Tree)
	}
	if m.Origin != "" && r.user != nil {
		d.Path = whyData{From: m.Origin, To: r.Handle(), Channel: m.Channel}
		if x, err := explain(r, d.Path); err == nil {
			d.Path.Explanation = &x
		}
	}
	return d, nil
}

// payloadFile hands out the payload of a message, as a file that no browser shows.
func payloadFile(w http.ResponseWriter, r *request) error {
	m, err := find(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition",
		fmt.Sprintf("attachment; filename=\"message-%d.%d.bin\"", m.Position.Index, m.Position.Offset))
	_, _ = w.Write(m.Payload)
	return nil
}

// find reads the message that the address names, if the viewer may.
func find(r *request) (query.Message, error) {
	missing := api.NewProblem(http.StatusNotFound, api.NotFound,
		"There is no message at "+r.PathValue("position")+" that you may see.",
		"It may have been removed by retention, or the share that it came by may be gone.")
	at, err := entry.ParsePosition(r.PathValue("position"))
	if err != nil {
		return query.Message{}, missing
	}
	next := at
	next.Offset++
	m, err := r.Query.Messages(r.actor, query.MessageFilter{
		Patterns: []graph.Pattern{"*"}, From: at, Until: next, Limit: 1,
	}).Next(r.Context())
	var gap *query.Gap
	if errors.Is(err, io.EOF) || errors.As(err, &gap) {
		return m, missing
	}
	return m, err
}
