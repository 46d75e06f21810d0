package pages

import (
	"net/url"
	"strings"

	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/query/view"
)

type logsData struct {
	Rows                           []view.LogRow
	Ident, Channel, Address, Since string
	More                           bool
}

// maxLogs is how many rows the page shows; who wants more narrows it, or downloads them.
const maxLogs = 200

func logs(r *request) (any, error) {
	q := r.URL.Query()
	d := logsData{
		Ident: strings.TrimSpace(q.Get("ident")), Channel: strings.TrimSpace(q.Get("channel")),
		Address: strings.TrimSpace(q.Get("address")), Since: strings.TrimSpace(q.Get("since")),
	}
	f := query.LogFilter{Ident: d.Ident, Channel: d.Channel, Address: d.Address, Limit: maxLogs + 1}
	var err error
	if d.Since != "" {
		if f.Since, err = timespec.Past(d.Since, r.now.In(r.prefs.zone)); err != nil {
			r.problem = r.Refusal(invalid("since: "+err.Error(), ""))
			return d, nil
		}
	}
	if d.Rows, err = r.Query.Logs(r.actor, f); len(d.Rows) > maxLogs {
		d.Rows, d.More = d.Rows[:maxLogs], true
	}
	return d, err
}

// cure is where the cause of a row is mended.
type cure struct{ Address, Verb string }

// Cure is how the cause of a row is mended; nil: who sees it cannot.
func (d logsData) Cure(row view.LogRow) *cure {
	switch {
	case strings.HasPrefix(row.Message, "Authkey not allowed to"):
		return &cure{"/authkey?" + url.Values{"ident": {row.Identifier}}.Encode(), "Edit authkey"}
	case strings.HasPrefix(row.Message, "Pre-auth: Authkey secret"):
		return &cure{"/authkey?" + url.Values{"ident": {row.Identifier}}.Encode(), "New secret"}
	}
	return nil
}
