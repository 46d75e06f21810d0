package pages

import (
	"cmp"
	"net/url"
	"strings"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/sensors"
)

type connectData struct {
	Sensors []sensors.Sensor
	Picked  sensors.Sensor
	Wait    *view.Authkey // the authkey whose first event is waited for
	Again   string        // where the page looks again
	Issued  *issued       // its secret and its configuration, shown once
	Seen    bool
	Refused []view.LogRow // before its first event
}

// connecting shows what can be connected, and with ?ident= whether its first event has come.
func connecting(r *request) (any, error) {
	d := connectData{Sensors: sensors.All}
	d.Picked, _ = sensors.Named(r.field("sensor"))
	ident := r.URL.Query().Get("ident")
	if ident == "" {
		return d, nil
	}
	return d, d.await(r, ident)
}

// await fills in what is known of an authkey whose first event is waited for. Once that has come, what was refused
// before is no news.
func (d *connectData) await(r *request, ident string) error {
	k, err := r.Query.Authkey(r.actor, ident)
	if err != nil {
		return err
	}
	d.Wait, d.Again = &k, "/connect?"+url.Values{"ident": {ident}}.Encode()
	if d.Seen = k.Stats != nil && k.Stats.Published > 0; d.Seen {
		return nil
	}
	d.Refused, err = r.Query.Logs(r.actor, query.LogFilter{Ident: ident, Limit: few})
	return err
}

// connect makes an authkey with exactly what a sensor needs. Its answer has the secret, what to paste, and waits.
func connect(r *request) (done, error) {
	s, ok := sensors.Named(r.PostForm.Get("sensor"))
	if !ok {
		return done{}, invalid("Pick a sensor.", "")
	}
	key := api.NewAuthkey{
		Ident: strings.TrimSpace(r.PostForm.Get("ident")), Comment: strings.TrimSpace(r.PostForm.Get("comment")),
		Pub: s.Channels,
	}
	if key.Ident == "" {
		key.Ident = s.Ident(secret.NewIdent, r.viewer.Graph())
	} else if !sensors.Plain(key.Ident) {
		return done{}, invalid("A sensor's identifier has only letters, digits and . _ @ / -: its configuration holds it.",
			"Leave it empty, and one is made.")
	}
	key.Comment = cmp.Or(key.Comment, s.Name)
	if key.Pub == nil {
		key.Pub = []graph.Pattern{"test.events"}
	}
	made, err := ask(r, api.AddAuthkey, api.With[api.NewAuthkey]{Body: key})
	if err != nil {
		return done{}, err
	}
	d := connectData{Issued: &issued{Credential: made, Sensor: s, Why: "The authkey is added."}}
	at := sensors.Place{
		Host: hostOf(r.Host), Port: r.hpfeedsPort(), Site: origin(r.Request), Ident: made.Ident, Secret: made.Secret,
	}
	if d.Issued.Config, err = s.Configuration(at); err != nil {
		return done{}, err
	}
	return done{show: d}, d.await(r, made.Ident)
}
