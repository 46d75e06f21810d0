package pages

import (
	"net/url"

	"hpfriends/query"
)

type liveData struct {
	Channel, Text string
	Rows          []messageRow // newest first
	From          string       // where the stream goes on
	Stream        string       // its address
	Stopped       bool         // it took too long to look for more
	History       string       // the address that looks further
}

// liveRows is how many messages the page begins with.
const liveRows = 50

// live shows the newest messages; with script, also those that come.
func live(r *request) (any, error) {
	q := r.URL.Query()
	d := liveData{Channel: q.Get("channel"), Text: q.Get("text")}
	patterns, err := r.patterns()
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	f := query.MessageFilter{Patterns: patterns, Contains: []byte(d.Text)}
	d.From, d.Stopped, err = newest(r, f, liveRows, func(m query.Message) bool {
		d.Rows = append(d.Rows, rowOf(m))
		return true
	})
	if err != nil {
		return nil, err
	}
	address := url.Values{"from": {d.From}}
	for _, one := range patterns {
		address.Add("channel", string(one))
	}
	if d.Text != "" {
		address.Set("text", d.Text)
	}
	d.History = "/history?" + url.Values{"channel": {d.Channel}, "since": {"first"}, "text": {d.Text}}.Encode()
	d.Stream = "/live/messages?" + address.Encode()
	return d, nil
}
