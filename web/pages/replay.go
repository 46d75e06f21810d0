package pages

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query/view"
	"hpfriends/web/pages/fields"
	"hpfriends/web/pages/format"
)

// replayData is what the page History says of replays.
type replayData struct {
	Authkeys []replayKey // of who asks, that may publish something; first those that may publish all that is shown
	All      []view.Replay
	Running  bool   // one of them is
	Fragment string // the address of the list alone
	Stop     string // where a stop is posted to
}

// replayKey is an authkey that can replay.
type replayKey struct {
	Ident, Pub string
	whole      bool // it may publish each message where it came from
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
	shown, _ := r.patterns() // what is wrong with them is told by the page
	for k := range r.viewer.Graph().AuthkeysOf(r.user.ID) {
		lacks := func(p graph.Pattern) bool {
			return !slices.ContainsFunc(k.Pub, func(may graph.Pattern) bool { return may.Covers(p) })
		}
		if k.Enabled && len(k.Pub) > 0 {
			key := replayKey{k.Ident, fields.Written(k.Pub), !slices.ContainsFunc(shown, lacks)}
			d.Authkeys = append(d.Authkeys, key)
		}
	}
	slices.SortStableFunc(d.Authkeys, firstIf(func(k replayKey) bool { return k.whole }))
	return d, nil
}

// countPatience is how long the answer waits until the messages are counted, and it is known that all may be published.
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
	for until := time.Now().Add(countPatience); one.State == view.ReplayCounting && time.Now().Before(until); {
		time.Sleep(20 * time.Millisecond)
		if one, err = ask(r, api.ShowReplay, api.ReplayPath{ID: one.ID}); err != nil {
			return done{}, err
		}
	}
	if one.State == view.ReplayFailed && one.Published == 0 {
		return done{}, invalid("Nothing was published: "+one.Error+".",
			"Choose another authkey, let this one publish there, or name a channel where it may.")
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
