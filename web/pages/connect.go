package pages

import (
	"cmp"
	"net/url"
	"strings"

	"hpfriends/api"
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
	Command string        // what to run with an API token, which is made elsewhere
	Reads   bool          // it waits for what it reads
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
	d.Wait, d.Again, d.Reads = &k, "/connect?"+url.Values{"ident": {ident}}.Encode(), len(k.Pub) == 0
	if k.Stats != nil {
		d.Seen = k.Stats.Published > 0 || d.Reads && k.Stats.Received > 0
	}
	if d.Seen {
		return nil
	}
	d.Refused, err = r.Query.Logs(r.actor, query.LogFilter{Ident: ident, Limit: few})
	return err
}

// connect makes an authkey with exactly what a sensor needs. Its answer has the secret, what to paste, and waits. What
// reads with an API token is told so: a token is made on Account, for a password.
func connect(r *request) (done, error) {
	s, ok := sensors.Named(r.PostForm.Get("sensor"))
	if !ok {
		return done{}, invalid("Pick a sensor.", "")
	}
	key := api.NewAuthkey{
		Ident: strings.TrimSpace(r.PostForm.Get("ident")), Comment: strings.TrimSpace(r.PostForm.Get("comment")),
		Pub: s.Pub(), Sub: s.Reads,
	}
	at := sensors.Place{Host: hostOf(r.Host), Port: r.hpfeedsPort(), Site: origin(r.Request)}
	if s.Token {
		command, err := s.Configuration(at)
		return done{show: connectData{Picked: s, Command: command}}, err
	}
	if key.Ident == "" {
		key.Ident = s.Ident(secret.NewIdent, r.viewer.Graph())
	} else if !sensors.Plain(key.Ident) {
		return done{}, invalid("A sensor's identifier has only letters, digits and . _ @ / -: its configuration holds it.",
			"Leave it empty, and one is made.")
	}
	key.Comment = cmp.Or(key.Comment, s.Name)
	made, err := ask(r, api.AddAuthkey, api.With[api.NewAuthkey]{Body: key})
	if err != nil {
		return done{}, err
	}
	d := connectData{Issued: &issued{Credential: made, Sensor: s, Why: "The authkey is added."}}
	at.Ident, at.Secret = made.Ident, made.Secret
	if d.Issued.Config, err = s.Configuration(at); err != nil {
		return done{}, err
	}
	return done{show: d}, d.await(r, made.Ident)
}
