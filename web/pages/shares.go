package pages

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/timespec"
	"hpfriends/query/view"
)

// shareRow is a row of Shares.
type shareRow struct {
	view.Share
	To    receiver
	State string
	Of    int // members of the group that have to enable it; 0: not a group, or unknown
}

// shareRowOf is a row for who may ask how each member stands.
func shareRowOf(r *request, s view.Share) shareRow {
	row := shareRow{Share: s, To: receiverOf(s.To), State: stateOfShare(s)}
	row.Of = len(row.members(r))
	return row
}

// members are those of the group who receive it, as far as who asks sees them now.
func (s shareRow) members(r *request) (all []string) {
	if !s.To.Group || r.past != nil {
		return nil
	}
	for _, m := range membersOf(r, view.Group{Name: s.To.Name}) {
		if m.User != s.From {
			all = append(all, m.User)
		}
	}
	return all
}

// Partly reports whether some of the group have not enabled it.
func (s shareRow) Partly() bool { return s.State == "flows" && len(s.EnabledBy) < s.Of && !s.More }

// Why is where the page tells whether it delivers; empty: it has many receivers.
func (s shareRow) Why() string {
	if s.To.Group {
		return ""
	}
	return whyOf(s.From, s.To.Name, s.Channel)
}

// receiver is a user or a group.
type receiver struct {
	Name  string
	Group bool
}

type sharesData struct {
	Shares []shareRow
	part
	People []string // whom one can share with
	Form   shareForm
	Reach  reachData
}

// shareForm is what the add-share form holds.
type shareForm struct {
	Open                                      bool
	Channel, To, Type, History, Note, Expires string
}

func shares(r *request) (any, error) {
	all := r.Query.SharesFrom(r.actor, r.actor.User)
	if r.past != nil {
		all = sharesOf(r.past.Shares(), r.Handle())
	}
	d := sharesData{Form: r.shareForm(), People: people(r)}
	if d.Form.Open && r.past == nil {
		reach, err := reach(r)
		if err != nil {
			return nil, err
		}
		d.Reach = reach.(reachData)
	}
	all, d.part = cut(r, all, func(s view.Share) uint64 { return uint64(s.ID) })
	if err := r.delivered(all); err != nil {
		return nil, err
	}
	for _, s := range all {
		d.Shares = append(d.Shares, shareRowOf(r, s))
	}
	return d, nil
}

// delivered adds to shares what they have passed on in the last day, unless they are of the past.
func (r *request) delivered(all []view.Share) error {
	if r.past != nil {
		return nil
	}
	return r.Query.Delivered(r.Context(), r.actor, r.Who.Changer.Now(), all)
}

func sharesOf(all []view.Share, owner string) (own []view.Share) {
	for _, s := range all {
		if s.From == owner {
			own = append(own, s)
		}
	}
	return own
}

func receiverOf(to string) receiver {
	if name, ok := cutGroup(to); ok {
		return receiver{name, true}
	}
	return receiver{to, false}
}

// stateOfShare is the state as the owner sees it: it flows once somebody has enabled it.
func stateOfShare(s view.Share) string {
	switch {
	case s.Expired:
		return "off"
	case len(s.EnabledBy) > 0:
		return "flows"
	}
	return "waiting"
}

func (r *request) shareForm() shareForm {
	f := shareForm{
		Channel: r.field("channel"), To: r.field("to"), Type: r.field("type"), History: r.field("history"),
		Note: r.field("note"), Expires: r.field("expires"),
	}
	f.Open = f != shareForm{} || r.URL.Query().Has("add")
	return f
}

func addShare(r *request) (done, error) {
	share := api.NewShare{
		Channel: graph.Pattern(strings.TrimSpace(r.PostForm.Get("channel"))), To: r.PostForm.Get("to"),
		Type: graph.ShareType(r.PostForm.Get("type")), History: graph.History(r.PostForm.Get("history")),
		Note: r.PostForm.Get("note"),
	}
	var err error
	if share.Expires, err = r.expires(); err != nil {
		return done{}, err
	}
	if _, err = ask(r, api.AddShare, api.With[api.NewShare]{Body: share}); err != nil {
		return done{}, err
	}
	return done{
		to:     "/shares",
		notice: fmt.Sprintf("You share %s with %s. It flows to whoever enables it.", share.Channel, share.To),
	}, nil
}

func removeShare(r *request) (done, error) {
	id, err := strconv.ParseUint(r.PostForm.Get("share"), 10, 64)
	if err != nil {
		return done{}, invalid("This form names no share.", "Reload the page.")
	}
	share, err := r.Query.Share(r.actor, graph.ShareID(id))
	if err == nil {
		_, err = ask(r, api.RemoveShare, api.SharePath{ID: id})
	}
	return done{
		to: "/shares", notice: fmt.Sprintf("You no longer share %s with %s.", share.Channel, share.To),
		again: sharedAgain(share),
	}, err
}

// sharedAgain is the form that makes a share that was removed. Who had enabled it decides again.
func sharedAgain(s view.Share) string {
	q := url.Values{
		"channel": {string(s.Channel)}, "to": {s.To}, "type": {string(s.Type)}, "history": {string(s.History)},
		"note": {s.Note},
	}
	if s.Expires != nil {
		q.Set("expires", s.Expires.UTC().Format(time.RFC3339))
	}
	return "/shares?" + q.Encode()
}

type shareData struct {
	shareRow
	Ends string
	Own  bool // who asks made it
	May  bool // who asks may change it
	Mine bool // who asks knows who has enabled it
	// Members are some of the group, with how each stands.
	Members []member
}

// member is somebody of a group that is shared with.
type member struct{ Name, State, Why string }

// share is the form that edits one.
func share(r *request) (any, error) {
	id, err := strconv.ParseUint(r.PathValue("share"), 10, 64)
	if err != nil {
		return nil, invalid("There is no such share.", "")
	}
	s, err := r.Query.Share(r.actor, graph.ShareID(id))
	if err != nil {
		return nil, err
	}
	d := shareData{shareRow: shareRowOf(r, s)}
	d.Own = s.From == r.Handle()
	d.May, d.Mine = d.Own || r.mayAdminister(), d.Own || r.viewer.CanSeeAll()
	d.Ends = r.written(s.Expires)
	for i, m := range d.members(r) {
		if i == rows || !d.Mine {
			break
		}
		state := "waiting"
		switch {
		case slices.Contains(s.EnabledBy, m):
			state = "flows"
		case slices.Contains(s.DisabledBy, m):
			state = "off"
		}
		d.Members = append(d.Members, member{m, state, whyOf(s.From, m, s.Channel)})
	}
	return d, nil
}

func editShare(r *request) (done, error) {
	id, err := strconv.ParseUint(r.PathValue("share"), 10, 64)
	if err != nil {
		return done{}, invalid("There is no such share.", "")
	}
	var body api.ShareChanges
	if r.changed("note") {
		body.Note = new(r.PostForm.Get("note"))
	}
	if body.Expires, err = r.newExpires(); err != nil {
		return done{}, err
	}
	if body == (api.ShareChanges{}) {
		return done{to: "/shares", notice: "Nothing was changed."}, nil
	}
	_, err = ask(r, api.EditShare, api.ShareEdit{SharePath: api.SharePath{ID: id}, Body: body})
	return done{to: "/shares", notice: "The share is changed."}, err
}

// written is a time as a form has it.
func (r *request) written(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.In(r.prefs.Zone).Format("2006-01-02 15:04:05")
}

// newExpires reads when something is to end that has an end already; nil: it stays as it is, the zero time: never.
func (r *request) newExpires() (*time.Time, error) {
	if !r.changed("expires") {
		return nil, nil
	}
	t, err := r.expires()
	if t == nil && err == nil {
		t = new(time.Time)
	}
	return t, err
}

// expires reads when something is to end; nil: never.
func (r *request) expires() (*time.Time, error) {
	text := r.PostForm.Get("expires")
	if text == "" {
		return nil, nil
	}
	t, err := timespec.Future(text, r.Who.Changer.Now().In(r.prefs.Zone))
	if err != nil {
		return nil, invalid("Ends: "+err.Error(), "")
	}
	return &t, nil
}
