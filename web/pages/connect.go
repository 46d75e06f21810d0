package pages

import (
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/web/sensors"
)

type connectData struct {
	Sensors []sensors.Sensor
	Picked  sensors.Sensor
	Wait    *view.Authkey // the authkey whose first event is waited for
	Seen    bool
	Refused []view.LogRow
}

// connecting shows what can be connected, and with ?ident= whether its first event has come.
func connecting(r *request) (any, error) {
	d := connectData{Sensors: sensors.All}
	d.Picked, _ = sensors.Named(r.field("sensor"))
	ident := r.URL.Query().Get("ident")
	if ident == "" {
		return d, nil
	}
	k, err := r.Query.Authkey(r.actor, ident)
	if err != nil {
		return nil, err
	}
	d.Wait = &k
	d.Seen = k.Stats != nil && k.Stats.Published > 0
	d.Refused, err = r.Query.Logs(r.actor, query.LogFilter{Ident: ident, Limit: few})
	return d, err
}
