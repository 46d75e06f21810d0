package pages

import (
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"hpfriends/api"
	"hpfriends/query/filter"
	"hpfriends/query/view"
	"hpfriends/web/pages/fields"
	"hpfriends/web/sensors"
)

type authkeysData struct {
	Authkeys []view.Authkey
	part
	Adding   bool
	Filtered bool // only some are asked for
	Form     url.Values
	Issued   *issued // a secret, shown once
}

// issued is an authkey's secret, and what to do with it.
type issued struct {
	api.Credential
	Sensor sensors.Sensor
	Config string
	Why    string
}

func authkeys(r *request) (any, error) {
	d := authkeysData{Adding: r.URL.Query().Has("add") || r.problem != nil && r.PostForm.Get("do") == "add"}
	all, err := r.Query.Authkeys(r.actor, r.actor.User)
	if r.past != nil {
		all, err = nil, nil
		for _, k := range r.past.Authkeys() {
			if k.Owner == r.Handle() {
				all = append(all, k)
			}
		}
	}
	if err != nil {
		return d, err
	}
	f := filter.Authkeys{Text: r.field("q"), State: filter.State(r.field("state")), Now: r.now}
	if all, err = f.Of(all); err != nil {
		r.problem = r.Refusal(err)
	}
	d.Filtered = f.Text != "" || f.State != ""
	d.Authkeys, d.part = cut(r, all, func(k view.Authkey) uint64 { return uint64(k.ID) })
	return d, nil
}

func addAuthkey(r *request) (done, error) {
	key := api.NewAuthkey{
		Ident: strings.TrimSpace(r.PostForm.Get("ident")), Comment: r.PostForm.Get("comment"),
		Pub: fields.Channels(r.PostForm.Get("pub")), Sub: fields.Channels(r.PostForm.Get("sub")),
	}
	var err error
	if key.Expires, err = r.expires(); err != nil {
		return done{}, err
	}
	if key.Networks, err = fields.Networks(r.PostForm.Get("networks")); err != nil {
		return done{}, invalid(err.Error(), "")
	}
	made, err := ask(r, api.AddAuthkey, api.With[api.NewAuthkey]{Body: key})
	if err != nil {
		return done{}, err
	}
	return handOver(r, made, "The authkey is added.")
}

// handOver shows a secret in this answer, and nowhere else.
func handOver(r *request, c api.Credential, why string) (done, error) {
	data, err := authkeys(r)
	if err != nil {
		return done{}, err
	}
	d := data.(authkeysData)
	d.Adding = false
	d.Issued = &issued{Credential: c, Why: why}
	return done{show: d}, nil
}

func revealAuthkey(r *request) (done, error) {
	c, err := ask(r, api.RevealAuthkey, api.IdentPath{Ident: r.PostForm.Get("ident")})
	if err != nil {
		return done{}, err
	}
	return handOver(r, c, "This is the secret.")
}

func rotateAuthkey(r *request) (done, error) {
	c, err := ask(r, api.RotateAuthkey, api.AuthkeyRotate{
		IdentPath: api.IdentPath{Ident: r.PostForm.Get("ident")},
		Body:      api.SecretChange{Overlap: r.PostForm.Get("overlap")},
	})
	if err != nil {
		return done{}, err
	}
	return handOver(r, c, "The authkey has a new secret.")
}

func removeAuthkey(r *request) (done, error) {
	ident := r.PostForm.Get("ident")
	err := r.sure(ident)
	if err == nil {
		_, err = ask(r, api.RemoveAuthkey, api.IdentPath{Ident: ident})
	}
	return done{to: "/authkeys", notice: "The authkey " + ident + " is removed."}, err
}

type authkeyData struct {
	view.Authkey
	Pub, Sub, Networks, Ends, Largest string
	Cursors                           []view.Cursor
	Unknown                           bool // they cannot be read
	May                               bool // who asks may move and remove them
}

// authkey is the form that edits one.
func authkey(r *request) (any, error) {
	k, err := r.Query.Authkey(r.actor, r.URL.Query().Get("ident"))
	if err != nil {
		return nil, err
	}
	cursors, err := r.Query.Cursors(r.actor, k.Ident, false)
	if err != nil {
		r.Logger.Error("an authkey is shown without its durable subscriptions", "err", err)
	}
	return authkeyData{
		k, fields.Written(k.Pub), fields.Written(k.Sub), strings.Join(k.Networks, ", "), r.written(k.Expires),
		strconv.Itoa(k.MaxMessage), cursors, err != nil, k.Owner == r.Handle() || r.mayAdminister(),
	}, nil
}

func editAuthkey(r *request) (done, error) {
	ident := r.URL.Query().Get("ident")
	d := done{to: "/authkeys", notice: "The authkey " + ident + " is changed."}
	body, err := r.authkeyChanges()
	if err == nil && reflect.ValueOf(body).IsZero() {
		d.notice = "Nothing was changed."
		return d, nil
	}
	if err == nil {
		_, err = ask(r, api.EditAuthkey, api.AuthkeyEdit{IdentPath: api.IdentPath{Ident: ident}, Body: body})
	}
	return d, err
}

// authkeyChanges are what was changed in the form.
func (r *request) authkeyChanges() (c api.AuthkeyChanges, err error) {
	if r.changed("comment") {
		c.Comment = new(r.PostForm.Get("comment"))
	}
	if r.changed("enabled") {
		c.Enabled = new(r.PostForm.Get("enabled") == "on")
	}
	if r.changed("pub") {
		c.Pub = new(fields.Channels(r.PostForm.Get("pub")))
	}
	if r.changed("sub") {
		c.Sub = new(fields.Channels(r.PostForm.Get("sub")))
	}
	if r.changed("networks") {
		networks, err := fields.Networks(r.PostForm.Get("networks"))
		if err != nil {
			return c, invalid(err.Error(), "")
		}
		c.Networks = &networks
	}
	if text := strings.TrimSpace(r.PostForm.Get("largest")); text != "" && r.changed("largest") {
		largest, err := strconv.Atoi(text)
		if err != nil {
			return c, invalid("The largest message is a number of bytes.", "1048576 is 1 MiB.")
		}
		c.MaxMessage = &largest
	}
	c.Expires, err = r.newExpires()
	return c, err
}

// reviveAuthkey enables an authkey, and leaves the rest of it as it is.
func reviveAuthkey(r *request) (done, error) {
	ident, on := r.URL.Query().Get("ident"), true
	_, err := ask(r, api.EditAuthkey, api.AuthkeyEdit{
		IdentPath: api.IdentPath{Ident: ident}, Body: api.AuthkeyChanges{Enabled: &on},
	})
	return done{to: r.PostForm.Get("back"), notice: "The authkey " + ident + " is enabled."}, err
}
