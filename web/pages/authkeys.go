package pages

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query/filter"
	"hpfriends/query/view"
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

// channelsOf reads channels with commas, blanks or line ends between them. It is never nil: JSON has [] for none.
func channelsOf(text string) []graph.Pattern {
	all := []graph.Pattern{}
	for _, f := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(", \r\n\t", c) }) {
		all = append(all, graph.Pattern(f))
	}
	return all
}

func networksOf(text string) ([]netip.Prefix, error) {
	all := []netip.Prefix{}
	for _, f := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(", \r\n\t", c) }) {
		n, err := netip.ParsePrefix(f)
		if a, e := netip.ParseAddr(f); err != nil && e == nil {
			n, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, invalid(fmt.Sprintf("%q is no network.", f), "Write 192.0.2.0/24 or 2001:db8::/32.")
		}
		all = append(all, n)
	}
	return all, nil
}

func addAuthkey(r *request) (done, error) {
	key := api.NewAuthkey{
		Ident: strings.TrimSpace(r.PostForm.Get("ident")), Comment: r.PostForm.Get("comment"),
		Pub: channelsOf(r.PostForm.Get("pub")), Sub: channelsOf(r.PostForm.Get("sub")),
	}
	var err error
	if key.Expires, err = r.expires(); err != nil {
		return done{}, err
	}
	if key.Networks, err = networksOf(r.PostForm.Get("networks")); err != nil {
		return done{}, err
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
}

// authkey is the form that edits one.
func authkey(r *request) (any, error) {
	k, err := r.Query.Authkey(r.actor, r.URL.Query().Get("ident"))
	if err != nil {
		return nil, err
	}
	return authkeyData{
		k, joinPatterns(k.Pub), joinPatterns(k.Sub), strings.Join(k.Networks, ", "), r.written(k.Expires),
		strconv.Itoa(k.MaxMessage),
	}, nil
}

func joinPatterns(all []graph.Pattern) string {
	var b strings.Builder
	for i, p := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(p))
	}
	return b.String()
}

func editAuthkey(r *request) (done, error) {
	ident := r.URL.Query().Get("ident")
	comment, enabled := r.PostForm.Get("comment"), r.PostForm.Get("enabled") == "on"
	pub, sub := channelsOf(r.PostForm.Get("pub")), channelsOf(r.PostForm.Get("sub"))
	was, err := r.Query.Authkey(r.actor, ident)
	if err != nil {
		return done{}, err
	}
	networks, err := networksOf(r.PostForm.Get("networks"))
	if err != nil {
		return done{}, err
	}
	edit := api.AuthkeyEdit{IdentPath: api.IdentPath{Ident: ident}, Body: api.AuthkeyChanges{
		Comment: &comment, Pub: &pub, Sub: &sub, Enabled: &enabled, Networks: &networks,
	}}
	if edit.Body.Expires, err = r.newExpires(was.Expires); err != nil {
		return done{}, err
	}
	if text := strings.TrimSpace(r.PostForm.Get("largest")); text != "" {
		largest, err := strconv.Atoi(text)
		if err != nil {
			return done{}, invalid("The largest message is a number of bytes.", "1048576 is 1 MiB.")
		}
		edit.Body.MaxMessage = &largest
	}
	_, err = ask(r, api.EditAuthkey, edit)
	return done{to: "/authkeys", notice: "The authkey " + ident + " is changed."}, err
}

// reviveAuthkey enables an authkey, and leaves the rest of it as it is.
func reviveAuthkey(r *request) (done, error) {
	ident, on := r.URL.Query().Get("ident"), true
	_, err := ask(r, api.EditAuthkey, api.AuthkeyEdit{
		IdentPath: api.IdentPath{Ident: ident}, Body: api.AuthkeyChanges{Enabled: &on},
	})
	return done{to: r.PostForm.Get("back"), notice: "The authkey " + ident + " is enabled."}, err
}
