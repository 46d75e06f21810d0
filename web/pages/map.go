package pages

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
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
	now, err := r.Query.ParsePosition("now", r.now)
	if err != nil {
		return nil, err
	}
	d.Stream = "/live/messages?" + url.Values{"channel": {d.Channel}, "from": {now.String()}}.Encode()
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	messages := r.Query.Messages(r.actor, query.MessageFilter{
		Patterns: []graph.Pattern{pattern}, Until: now, Newest: true, Limit: 4 * mapRows,
	})
	for len(d.Attacks) < mapRows {
		m, err := messages.Next(ctx)
		var gap *query.Gap
		switch {
		case errors.As(err, &gap):
		case err == nil:
			if row, ok := attackOf(m); ok {
				d.Attacks = append(d.Attacks, row)
			}
		case errors.Is(err, io.EOF), errors.Is(err, context.DeadlineExceeded) && r.Context().Err() == nil:
			return d, nil
		default:
			return nil, err
		}
	}
	return d, nil
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
