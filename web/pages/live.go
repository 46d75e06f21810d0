package pages

import (
	"net/url"
	"slices"
	"strings"
)

type liveData struct {
	Channel, Text string
	Rows          []messageRow // newest first
	From          string       // where the stream goes on
	Stream        string       // its address
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
	if d.Rows, d.From, err = newest(r, patterns, liveRows); err != nil {
		return nil, err
	}
	address := url.Values{"from": {d.From}}
	for _, one := range patterns {
		address.Add("channel", string(one))
	}
	if d.Text != "" {
		address.Set("text", d.Text)
		d.Rows = slices.DeleteFunc(d.Rows, func(m messageRow) bool { return !strings.Contains(m.Preview, d.Text) })
	}
	d.Stream = "/live/messages?" + address.Encode()
	return d, nil
}
