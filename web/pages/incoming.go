package pages

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query/filter"
	"hpfriends/query/view"
	"hpfriends/web/pages/format"
)

// incomingRow is a row of Shared with you.
type incomingRow struct {
	view.Share
	Via   string // the group it comes through; empty: directly
	State string
	Why   string // where the page tells whether it delivers
}

type incomingData struct {
	Shares []incomingRow
	part
	From, Via       string          // what is shown: shares of a user, by a group; empty: all
	Senders, Groups []string        // that can be chosen
	Waits           int             // how many of all that is shown wait for a decision
	Keys            []string        // idents of who asks that could read what is enabled
	Lacks           []graph.Pattern // channels that are enabled, and that no authkey may subscribe to
}

func incoming(r *request) (any, error) {
	all := r.Query.SharesWith(r.actor, r.actor.User)
	if r.past != nil {
		all = nil
		for _, s := range r.past.Shares() {
			if s.Enabled != nil {
				all = append(all, s)
			}
		}
	}
	d := incomingData{From: r.URL.Query().Get("from"), Via: r.URL.Query().Get("via")}
	for _, s := range all {
		d.Senders = append(d.Senders, s.From)
		if via, ok := cutGroup(s.To); ok {
			d.Groups = append(d.Groups, via)
		}
	}
	slices.Sort(d.Senders)
	slices.Sort(d.Groups)
	d.Senders, d.Groups = slices.Compact(d.Senders), slices.Compact(d.Groups)
	shares := all
	all = incomingFrom(slices.Clone(all), d.From, d.Via)
	for _, s := range all {
		if stateOfIncoming(s) == "waiting" {
			d.Waits++
		}
	}
	all, d.part = cut(r, all, func(s view.Share) uint64 { return uint64(s.ID) })
	if err := r.delivered(all); err != nil {
		return nil, err
	}
	for _, s := range all {
		d.Shares = append(d.Shares, incomingRowOf(r, s))
	}
	if r.past != nil {
		return d, nil
	}
	keys, err := r.Query.Authkeys(r.actor, r.actor.User)
	for _, k := range keys {
		if k.Enabled && len(d.Keys) < rows {
			d.Keys = append(d.Keys, k.Ident)
		}
	}
	asked := r.URL.Query()["lacks"] // by any link: only what is enabled is offered
	for _, s := range shares {
		if s.Decision == view.Enabled && slices.Contains(asked, string(s.Channel)) &&
			!slices.Contains(d.Lacks, s.Channel) && !readable(keys, s.Channel) {
			d.Lacks = append(d.Lacks, s.Channel)
		}
	}
	return d, err
}

// incomingFrom are the shares of a user, and by a group; empty is any.
func incomingFrom(all []view.Share, from, via string) []view.Share {
	f := filter.Shares{Owner: from}
	if via != "" {
		f.Receiver = "group:" + via
	}
	all, _ = f.Of(all) // only words can be wrong
	return all
}

// readable reports whether an authkey may subscribe to all of a channel.
func readable(keys []view.Authkey, channel graph.Pattern) bool {
	return slices.ContainsFunc(keys, func(k view.Authkey) bool {
		return k.Enabled && slices.ContainsFunc(k.Sub, func(p graph.Pattern) bool { return p.Covers(channel) })
	})
}

func incomingRowOf(r *request, s view.Share) incomingRow {
	via, _ := cutGroup(s.To)
	return incomingRow{s, via, stateOfIncoming(s), whyOf(s.From, r.Handle(), s.Channel)}
}

func stateOfIncoming(s view.Share) string {
	switch {
	case s.Expired, s.Decision == view.Disabled:
		return "off"
	case s.Decision == view.Enabled:
		return "flows"
	}
	return "waiting"
}

// enableShares enables shares, and lets an authkey subscribe to them if the form names one. A share alone reaches no
// client: who has no authkey for it is asked for one.
func enableShares(r *request) (done, error) {
	ident := r.PostForm.Get("authkey")
	if _, err := r.Query.Authkey(r.actor, ident); ident != "" && err != nil { // before anything is enabled for it
		return done{}, err
	}
	d, err := decide(r, "You have enabled %s.", api.AcceptShare)
	if err != nil {
		return d, err
	}
	var channels []graph.Pattern
	for _, text := range r.PostForm["share"] {
		id, _ := strconv.ParseUint(text, 10, 64)
		if s, err := r.Query.Share(r.actor, graph.ShareID(id)); err == nil {
			channels = append(channels, s.Channel)
		}
	}
	if ident != "" {
		if err = letSubscribe(r, ident, channels); err != nil {
			err = invalid(d.notice+" But "+ident+" may not subscribe to all of it: "+err.Error(), "Edit the authkey.")
		}
		return d, err
	}
	keys, err := r.Query.Authkeys(r.actor, r.actor.User)
	lacks := url.Values{}
	for _, channel := range channels {
		if !readable(keys, channel) {
			lacks.Add("lacks", string(channel))
		}
	}
	if len(lacks) > 0 {
		d.to = "/incoming?" + lacks.Encode()
	}
	return d, err
}

// enableAll enables what waits of a user, or by a group: what the page shows, a part at a time.
func enableAll(r *request) (done, error) {
	from, via := r.URL.Query().Get("from"), r.URL.Query().Get("via")
	if from == "" && via == "" {
		return done{}, invalid("All of whom?", "Choose a user or a group first.")
	}
	var ids []string
	for _, s := range incomingFrom(r.Query.SharesWith(r.actor, r.actor.User), from, via) {
		if stateOfIncoming(s) == "waiting" && len(ids) < rows {
			ids = append(ids, strconv.FormatUint(uint64(s.ID), 10))
		}
	}
	r.PostForm["share"] = ids
	return enableShares(r)
}

// addToKey lets an authkey subscribe to channels that are enabled already.
func addToKey(r *request) (done, error) {
	ident := r.PostForm.Get("authkey")
	var channels []graph.Pattern
	for _, channel := range r.PostForm["channel"] {
		channels = append(channels, graph.Pattern(channel))
	}
	err := letSubscribe(r, ident, channels)
	return done{to: r.PostForm.Get("back"), notice: "The authkey " + ident + " may subscribe to it now."}, err
}

// letSubscribe gives an authkey the channels that it cannot read yet.
func letSubscribe(r *request, ident string, channels []graph.Pattern) error {
	k, err := r.Query.Authkey(r.actor, ident)
	if err != nil {
		return err
	}
	channels = slices.DeleteFunc(channels, func(c graph.Pattern) bool { return readable([]view.Authkey{k}, c) })
	if len(channels) == 0 {
		return nil
	}
	_, err = ask(r, api.EditAuthkey, api.AuthkeyEdit{
		IdentPath: api.IdentPath{Ident: ident}, Body: api.AuthkeyChanges{AddSub: channels},
	})
	return err
}

func disableShares(r *request) (done, error) {
	return decide(r, "You have disabled %s.", api.DisableShare)
}

// decide decides on every share that the form names.
func decide(r *request, notice string, decision api.Op[api.SharePath, api.None]) (done, error) {
	var ids []uint64
	for _, text := range r.PostForm["share"] { // all of them, before any is decided
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return done{}, invalid("This form names no share.", "Reload the page.")
		}
		if _, err := r.Query.Share(r.actor, graph.ShareID(id)); err != nil {
			return done{}, err
		}
		ids = append(ids, id)
	}
	for i, id := range ids {
		_, err := ask(r, decision, api.SharePath{ID: id})
		if err != nil && i > 0 { // it was right a moment ago
			err = invalid(fmt.Sprintf(notice, format.Plural(i, "share", "shares"))+" Then one was refused: "+err.Error(),
				"The others are as they were.")
		}
		if err != nil {
			return done{}, err
		}
	}
	if len(ids) == 0 {
		return done{}, invalid("No share is chosen.", "Tick those that you mean.")
	}
	return done{notice: fmt.Sprintf(notice, format.Plural(len(ids), "share", "shares"))}, nil
}
