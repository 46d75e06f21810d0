package pages

import (
	"context"
	"fmt"
	"strconv"

	"hpfriends/api"
	"hpfriends/query/view"
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
}

func incoming(r *request) (any, error) {
	all := r.Query.SharesWith(r.actor, r.actor.User)
	if r.past != nil {
		all = nil
		for _, s := range r.past.Shares {
			if s.Enabled != nil {
				all = append(all, s)
			}
		}
	}
	var d incomingData
	all, d.part = cut(r, all, func(s view.Share) uint64 { return uint64(s.ID) })
	for _, s := range all {
		d.Shares = append(d.Shares, incomingRowOf(r, s))
	}
	return d, nil
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

// waiting says how many shares wait for the decision of who asks.
func waiting(r *request) string {
	n := r.Query.Waiting(r.actor)
	switch {
	case n == 0:
		return ""
	case n > 99:
		return "99+"
	}
	return strconv.Itoa(n)
}

func enableShares(r *request) (done, error) {
	return decide(r, "You have enabled %s.", func(ctx context.Context, s api.SharePath) error {
		_, err := api.AcceptShare.Call(ctx, r.API, s)
		return err
	})
}

func disableShares(r *request) (done, error) {
	return decide(r, "You have disabled %s.", func(ctx context.Context, s api.SharePath) error {
		_, err := api.DisableShare.Call(ctx, r.API, s)
		return err
	})
}

// decide decides on every share that the form names.
func decide(r *request, notice string, decide func(context.Context, api.SharePath) error) (done, error) {
	ctx, cancel := call(r.Context())
	defer cancel()
	ids := r.PostForm["share"]
	for _, text := range ids {
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return done{}, invalid("This form names no share.", "Reload the page.")
		}
		if err := decide(ctx, api.SharePath{ID: id}); err != nil {
			return done{}, err
		}
	}
	if len(ids) == 0 {
		return done{}, invalid("No share is chosen.", "Tick those that you mean.")
	}
	return done{notice: fmt.Sprintf(notice, plural(len(ids), "share", "shares"))}, nil
}
