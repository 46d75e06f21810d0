package live

import (
	"encoding/json"
	"net/http"
	"time"

	"hpfriends/query"
	"hpfriends/web/pages/attack"
)

// attackLine is an attack as the map reads it.
type attackLine struct {
	Position string    `json:"position"`
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"`
	From     spot      `json:"from"`
	To       spot      `json:"to"`
}

// spot is a place; without coordinates it is not known where.
type spot struct {
	Name string   `json:"name"`
	Lat  *float64 `json:"lat,omitempty"`
	Lon  *float64 `json:"lon,omitempty"`
}

func spotOf(p attack.Place) spot {
	s := spot{Name: p.String()}
	if p.Known {
		s.Lat, s.Lon = &p.Lat, &p.Lon
	}
	return s
}

// serveAttacks is serveMessages for the map: what has a place, as lines of JSON.
func (s *Streams) serveAttacks(w http.ResponseWriter, r *http.Request, d door) {
	s.attacks(w, r, d)
}

// attacks streams attacks; strangers see sensors by country, and no positions.
func (s *Streams) attacks(w http.ResponseWriter, r *http.Request, d door) {
	s.stream(w, r, d, func(lines []byte, m query.Message) []byte {
		a, ok := attack.Parse(m.Payload, s.Places)
		if !ok {
			return lines
		}
		at := m.Position.String()
		if d.strangers {
			a.To, at = a.To.Coarse(), "#"
		}
		line, err := json.Marshal(attackLine{at, m.Time, a.Kind, spotOf(a.From), spotOf(a.To)})
		if err != nil {
			return lines
		}
		return append(append(lines, line...), '\n')
	})
}
