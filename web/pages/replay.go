package pages

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/query/view"
	"hpfriends/web/pages/format"
)

// replayData is what the page History says of replays.
type replayData struct {
	Authkeys []string // of who asks, that may publish something
	All      []view.Replay
	Running  bool   // one of them is
	Fragment string // the address of the list alone
	Stop     string // where a stop is posted to
}

// replays are those of who asks, newest first.
func replays(r *request) (any, error) {
	d := replayData{Fragment: "/history/replays", Stop: "/history"}
	if q := r.URL.RawQuery; q != "" {
		d.Fragment, d.Stop = d.Fragment+"?"+q, d.Stop+"?"+q
	}
	if r.user == nil {
		return d, nil // the operator has no authkeys
	}
	all, err := ask(r, api.ListReplays, api.None{})
	if err != nil {
		return d, err
	}
	for _, one := range all {
		if one.User == r.user.Handle {
			d.All = append(d.All, one)
			d.Running = d.Running || !one.Over()
		}
	}
	for k := range r.viewer.Graph().AuthkeysOf(r.user.ID) {
		if k.Enabled && len(k.Pub) > 0 {
			d.Authkeys = append(d.Authkeys, k.Ident)
		}
	}
	return d, nil
}

// countPatience is how long the answer to a dry run waits for its result.
const countPatience = time.Second

// startReplay replays what the page shows.
func startReplay(r *request) (done, error) {
	q, form := r.URL.Query(), r.PostForm
	period := historyData{Since: cmp.Or(q.Get("since"), defaultSince), Until: q.Get("until")}
	f, err := r.messageFilter(period)
	if err != nil {
		return done{}, err
	}
	in := api.NewReplay{
		Since: period.Since, Until: period.Until, Text: q.Get("text"), To: strings.TrimSpace(form.Get("to")),
		Authkey: form.Get("authkey"), Speed: form.Get("speed"), DryRun: form.Get("dry") != "",
	}
	if t := f.Period.Since; !t.IsZero() { // in the time zone of who asks, which the server does not know
		in.Since = stamp(t)
	}
	if t := f.Period.Until; !t.IsZero() {
		in.Until = stamp(t)
	}
	for _, p := range f.Patterns {
		in.Channel = append(in.Channel, string(p))
	}
	if text := strings.TrimSpace(form.Get("rate")); text != "" {
		if in.Rate, err = strconv.Atoi(text); err != nil || in.Rate < 1 {
			return done{}, invalid("The rate is a number of messages per second.", "")
		}
	}
	one, err := ask(r, api.StartReplay, api.With[api.NewReplay]{Body: in})
	if err != nil {
		return done{}, err
	}
	for until := time.Now().Add(countPatience); in.DryRun && !one.Over() && time.Now().Before(until); {
		time.Sleep(20 * time.Millisecond)
		if one, err = ask(r, api.ShowReplay, api.ReplayPath{ID: one.ID}); err != nil {
			return done{}, err
		}
	}
	d := done{to: r.URL.RequestURI() + "#replays", notice: fmt.Sprintf("Replay %d has begun.", one.ID)}
	if in.DryRun {
		d.notice = fmt.Sprintf("A replay would publish %s.", format.Plural(one.Total, "message", "messages"))
		if !one.Over() {
			d.notice = "The messages are being counted."
		}
	}
	return d, nil
}

func stopReplay(r *request) (done, error) {
	id, err := strconv.ParseUint(r.PostForm.Get("replay"), 10, 64)
	if err != nil {
		return done{}, invalid("No replay is named.", "")
	}
	_, err = ask(r, api.StopReplay, api.ReplayPath{ID: id})
	return done{to: r.URL.RequestURI() + "#replays", notice: fmt.Sprintf("Replay %d is stopped.", id)}, err
}

// replayed is the address of the messages of a replay that went elsewhere.
func replayed(v view.Replay) string {
	if v.To == "" || v.Published == 0 {
		return ""
	}
	return "/history?" + url.Values{"channel": {v.To}, "since": {stamp(v.Started)}}.Encode()
}
