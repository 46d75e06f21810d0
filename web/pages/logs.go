package pages

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/pages/refused"
)

type logsData struct {
	Rows        []view.LogRow
	Form        logsForm
	More        bool
	Stream      string // where the page hears that there is something new
	CSV, NDJSON string // addresses of files with the same rows
}

// logsForm is what selects rows.
type logsForm struct {
	User, Ident, Kind, Channel, Address, Since, Until string
}

// Any reports whether anything is selected.
func (f logsForm) Any() bool { return f != logsForm{} }

// Kinds are what can be asked for.
func (logsForm) Kinds() []view.LogKind { return view.LogKinds }

// maxLogs is how many rows the page shows; who wants more narrows it, or downloads them.
const maxLogs = 200

func logs(r *request) (any, error) {
	d, f, err := r.logFilter()
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	f.Limit = maxLogs + 1
	if d.Rows, err = r.Query.Logs(r.actor, f); len(d.Rows) > maxLogs {
		d.Rows, d.More = d.Rows[:maxLogs], true
	}
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	var newest uint64
	for _, row := range d.Rows {
		newest = max(newest, row.Index)
	}
	q := r.URL.Query()
	d.CSV = "/logs/download?" + setting(q, "form", "csv")
	d.NDJSON = "/logs/download?" + setting(q, "form", "ndjson")
	d.Stream = "/live/logs?" + url.Values{"from": {query.Position{Index: newest}.String()}}.Encode()
	return d, nil
}

// setting is a query with another value.
func setting(q url.Values, name, value string) string {
	q.Set(name, value)
	return q.Encode()
}

// logFilter selects what the address asks for.
func (r *request) logFilter() (d logsData, f query.LogFilter, err error) {
	q := r.URL.Query()
	get := func(name string) string { return strings.TrimSpace(q.Get(name)) }
	d.Form = logsForm{
		get("user"), get("ident"), get("kind"), get("channel"), get("address"), get("since"), get("until"),
	}
	f = query.LogFilter{
		User: d.Form.User, Ident: d.Form.Ident, Kind: view.LogKind(d.Form.Kind), Channel: d.Form.Channel,
		Address: d.Form.Address,
	}
	now := r.now.In(r.prefs.Zone)
	for _, bound := range []struct {
		name, text string
		to         *time.Time
	}{{"since", d.Form.Since, &f.Since}, {"until", d.Form.Until, &f.Until}} {
		if bound.text == "" {
			continue
		}
		if *bound.to, err = timespec.Past(bound.text, now); err != nil {
			return d, f, invalid(bound.name+": "+err.Error(), "")
		}
		if bound.name == "since" && bound.to.After(now) {
			return d, f, invalid("since: "+bound.text+" is still to come.", "Name a moment that has been.")
		}
	}
	return d, f, nil
}

// logFile hands out all rows that the address asks for, as CSV or as lines of JSON.
func logFile(w http.ResponseWriter, r *request) error {
	_, f, err := r.logFilter()
	if err != nil {
		return err
	}
	rows, err := r.Query.Logs(r.actor, f)
	if err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(5 * time.Minute))
	if r.URL.Query().Get("form") == "csv" {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="logs.csv"`)
		_ = view.WriteLogsCSV(w, rows)
		return nil
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="logs.ndjson"`)
	lines := json.NewEncoder(w)
	for _, row := range rows {
		if lines.Encode(row) != nil {
			break
		}
	}
	return nil
}

// Why explains a row.
func (logsData) Why(s *sheet, row view.LogRow) refused.Reason {
	return refused.Why(s.viewer, row, s.now)
}
