package pages

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"hpfriends/graph"
	"hpfriends/query"
)

type mapData struct {
	Channel string
	Attacks []attackRow // newest first
	Stream  string      // where the map hears of those that come
}

// attackRow is an event of HoneyMap's form: somebody at one place attacked a sensor at another.
type attackRow struct {
	Position string
	Time     time.Time
	Kind     string
	From, To place
}

// place is where an attacker or a sensor is, as the event says.
type place struct {
	City, Country string
	Lat, Lon      float64
	Known         bool // the event has coordinates of it
}

// String is how people call the place.
func (p place) String() string {
	switch {
	case p.City == "" && p.Country == "":
		return "somewhere"
	case p.City == "":
		return p.Country
	case p.Country == "":
		return p.City
	}
	return p.City + ", " + p.Country
}

const (
	mapChannel = "geoloc.events"
	mapRows    = 60
)

// attackMap shows attacks on a map of the world, from events of the form that HoneyMap reads.
func attackMap(r *request) (any, error) {
	d := mapData{Channel: cmp.Or(strings.TrimSpace(r.URL.Query().Get("channel")), mapChannel)}
	pattern, err := graph.ParsePattern(d.Channel)
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	f := query.MessageFilter{Patterns: []graph.Pattern{pattern}, Limit: 4 * mapRows}
	end, _, err := newest(r, f, mapRows, func(m query.Message) bool {
		row, ok := attackOf(m)
		if ok {
			d.Attacks = append(d.Attacks, row)
		}
		return ok
	})
	d.Stream = "/live/messages?" + url.Values{"channel": {d.Channel}, "from": {end}}.Encode()
	return d, err
}

// attackOf reads an event: latitude, longitude, city and countrycode are the attacker's, those that end in 2 the
// sensor's. ok is false for what is none.
func attackOf(m query.Message) (row attackRow, ok bool) {
	var e struct {
		Type                  string
		Latitude, Longitude   *float64
		Latitude2, Longitude2 *float64
		City, City2           string
		CountryCode           string `json:"countrycode"`
		CountryCode2          string `json:"countrycode2"`
	}
	if json.Unmarshal(m.Payload, &e) != nil {
		return row, false
	}
	row = attackRow{
		Position: strings.TrimPrefix(m.Position.String(), "#"), Time: m.Time, Kind: e.Type,
		From: placeAt(e.City, e.CountryCode, e.Latitude, e.Longitude),
		To:   placeAt(e.City2, e.CountryCode2, e.Latitude2, e.Longitude2),
	}
	return row, row.From.Known || row.To.Known
}

// placeAt is a place on the earth; coordinates that are none are left out.
func placeAt(city, country string, lat, lon *float64) place {
	p := place{City: graph.Clip(city), Country: graph.Clip(country)}
	if lat != nil && lon != nil && *lat >= -90 && *lat <= 90 && *lon >= -180 && *lon <= 180 {
		p.Lat, p.Lon, p.Known = *lat, *lon, true
	}
	return p
}
