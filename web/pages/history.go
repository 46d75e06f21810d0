package pages

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"hpfriends/api"
	"hpfriends/query"
	"hpfriends/web/pages/chart"
)

type historyData struct {
	Channel, Since, Until string
	Text                  string       // that the payload contains
	Rows                  []messageRow // newest first
	Next                  string
	Download              string // the address of the messages as a file
	chart.Chart
	Replays replayData
	Stopped bool // it took too long to look further
}

const (
	chartBars    = 60
	defaultSince = "24h"
)

// history shows the messages of a period, and how many there were over it. Each bar leads to its own period.
func history(r *request) (any, error) {
	q := r.URL.Query()
	d := historyData{Channel: q.Get("channel"), Since: q.Get("since"), Until: q.Get("until"), Text: q.Get("text")}
	if d.Since == "" {
		d.Since = defaultSince
	}
	shown, err := replays(r)
	if err != nil {
		return nil, err
	}
	d.Replays, _ = shown.(replayData)
	f, err := r.messageFilter(d)
	whole := f
	if before := q.Get("before"); err == nil && before != "" {
		f.Until, err = r.Query.ParsePosition(before, r.now)
	}
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	var count errgroup.Group
	count.Go(func() error { return r.chart(&d, whole) }) // both take their time in a long log
	f.Newest, f.Limit, f.Contains = true, rows, []byte(d.Text)
	messages := r.Query.Messages(r.actor, f)
	d.Stopped, err = each(r, messages, func(m query.Message) bool {
		d.Rows = append(d.Rows, rowOf(m))
		return true
	})
	if uncounted := count.Wait(); err == nil && uncounted != nil {
		r.problem = r.Refusal(uncounted)
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	if len(d.Rows) == rows || d.Stopped {
		d.Next = r.with("before", messages.Rest().String())
	}
	file := url.Values{"channel": q["channel"], "since": {d.Since}, "until": {d.Until}, "text": {d.Text}}
	d.Download = "/history/download?" + file.Encode()
	return d, nil
}

// messageFilter selects what the page asks for.
func (r *request) messageFilter(d historyData) (f query.MessageFilter, err error) {
	if f.Patterns, err = r.patterns(); err != nil {
		return f, err
	}
	now := r.now.In(r.prefs.Zone)
	if err = f.Begin(r.Query, d.Since, now); err != nil {
		return f, of("since", r.Refusal(err))
	}
	if f.Period.Since.After(now) {
		return f, invalid("since: "+d.Since+" is still to come.", "Name a moment that has been.")
	}
	if d.Until != "" {
		if err = f.End(r.Query, d.Until, now); err != nil {
			return f, of("until", r.Refusal(err))
		}
	}
	if p := f.Period; !p.Since.IsZero() && !p.Until.IsZero() && !p.Since.Before(p.Until) {
		return f, invalid("The time ends before it begins.", "Since is the earlier of the two: 5h until 2h.")
	}
	return f, nil
}

// chart counts the messages of the period. Between positions there is no chart: it is of times.
func (r *request) chart(d *historyData, f query.MessageFilter) error {
	if f.Period.Since.IsZero() {
		return nil
	}
	in := api.TimelineQuery{Since: stamp(f.Period.Since), Buckets: chartBars}
	if !f.Period.Until.IsZero() {
		in.Until = stamp(f.Period.Until)
	}
	for _, p := range f.Patterns {
		in.Channel = append(in.Channel, string(p))
	}
	t, err := ask(r, api.CountTimeline, in)
	if err != nil {
		return err
	}
	d.Chart = chart.Of(t, r.prefs.Zone, func(from, to time.Time) string {
		return r.with("since", stamp(from), "until", stamp(to), "before", "")
	})
	return nil
}

// download hands out what a page of History shows, whole, as lines of package ndjson.
func download(w http.ResponseWriter, r *request) error {
	q := r.URL.Query()
	f, err := r.messageFilter(historyData{Since: q.Get("since"), Until: q.Get("until")})
	if err != nil {
		return err
	}
	f.Contains = []byte(q.Get("text"))
	w.Header().Set("Content-Type", "application/octet-stream")
	name, to := "messages.ndjson", io.Writer(w)
	if q.Get("form") == "zst" {
		z, err := zstd.NewWriter(w,
			zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(chunk), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return err
		}
		defer func() { _ = z.Close() }()
		name, to = name+".zst", z
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	r.pour(to, f)
	return nil
}

// chunk is how many bytes of lines are written at once.
const chunk = 256 << 10

// pour writes messages until all are written, or the browser is gone. The last line says whether it is all.
func (r *request) pour(w io.Writer, f query.MessageFilter) {
	rc := http.NewResponseController(r.w)
	messages := r.Query.Messages(r.actor, f)
	var lines []byte
	for {
		m, err := messages.Next(r.Context())
		var gap *query.Gap
		switch {
		case err == nil:
			lines = m.AppendLine(lines)
		case errors.As(err, &gap):
			lines = gap.AppendLine(lines)
		default:
			_ = rc.SetWriteDeadline(time.Now().Add(30 * time.Second))
			_, _ = w.Write(messages.AppendEnd(lines, err))
			return
		}
		if len(lines) >= chunk {
			_ = rc.SetWriteDeadline(time.Now().Add(30 * time.Second))
			if _, err := w.Write(lines); err != nil {
				return
			}
			lines = lines[:0]
		}
	}
}

// stamp is a time in an address.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
