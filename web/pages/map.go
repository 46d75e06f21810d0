package pages

import (
	"cmp"
	"net/url"
	"strings"
	"time"

	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/web/pages/attack"
)

type mapData struct {
	Channel   string
	Attacks   []attackRow // newest first
	Stream    string      // where the map hears of those that come
	Located   bool        // addresses are looked up
	Bare      bool        // nothing leads elsewhere, and sensors are seen by country only
	Countries []attack.Count
	Cities    []attack.Count
}

// attackRow is an attack in a table.
type attackRow struct {
	attack.Attack
	Position string
	Time     time.Time
}

const (
	mapChannel = "geoloc.events"
	mapRows    = 60
	mapTop     = 8
)

// attackMap shows attacks on a map of the world, from events of the form that HoneyMap reads.
func attackMap(r *request) (any, error) {
	d := mapData{Channel: cmp.Or(strings.TrimSpace(r.URL.Query().Get("channel")), mapChannel), Located: r.Places != nil}
	pattern, err := graph.ParsePattern(d.Channel)
	if err != nil {
		r.problem = r.Refusal(err)
		return d, nil
	}
	end, err := r.attacks(&d, pattern)
	d.Stream = "/live/attacks?" + url.Values{"channel": {d.Channel}, "from": {end}}.Encode()
	return d, err
}

// attacks finds the newest attacks, and returns where the log ends.
func (r *request) attacks(d *mapData, pattern graph.Pattern) (end string, err error) {
	f := query.MessageFilter{Patterns: []graph.Pattern{pattern}, Limit: 4 * mapRows}
	var countries, cities []string
	end, _, err = newest(r, f, mapRows, func(m query.Message) bool {
		a, ok := attack.Parse(m.Payload, r.Places)
		if d.Bare {
			a.To = a.To.Coarse()
		}
		if ok {
			d.Attacks = append(d.Attacks, attackRow{a, strings.TrimPrefix(m.Position.String(), "#"), m.Time})
			countries, cities = append(countries, a.From.Country), append(cities, a.From.City)
		}
		return ok
	})
	d.Countries, d.Cities = attack.Top(countries, mapTop), attack.Top(cities, mapTop)
	return end, err
}
