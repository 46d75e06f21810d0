// Package attack reads events of the form that HoneyMap reads: somebody at one place attacked a sensor at another. It
// is pure.
package attack

import (
	"cmp"
	"encoding/json"
	"math"
	"net/netip"
	"slices"
	"strings"

	"hpfriends/graph"
)

// Attack is an event.
type Attack struct {
	Kind     string
	From, To Place // of the attacker, of the sensor
}

// Place is where somebody is.
type Place struct {
	City, Country string
	Lat, Lon      float64
	Known         bool // there are coordinates of it
}

// Places finds addresses on the earth.
type Places interface {
	// Place is where an address is; false: that is not known.
	Place(netip.Addr) (Place, bool)
}

// String is how people call the place.
func (p Place) String() string {
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

// Coarse is the place as strangers may know it: by its country, and at 5 degrees.
func (p Place) Coarse() Place {
	p.City, p.Lat, p.Lon = "", 5*math.Round(p.Lat/5), 5*math.Round(p.Lon/5)
	return p
}

// Parse reads an event: latitude, longitude, city and countrycode are the attacker's, those that end in 2 the sensor's.
// Where there are none, the addresses of the event are looked up, under the names that honeypots give them; places may
// be nil. ok is false for what has no place.
func Parse(payload []byte, places Places) (a Attack, ok bool) {
	var e struct {
		Type                  string
		Latitude, Longitude   *float64
		Latitude2, Longitude2 *float64
		City, City2           string
		CountryCode           string `json:"countrycode"`
		CountryCode2          string `json:"countrycode2"`
	}
	if json.Unmarshal(payload, &e) != nil {
		return a, false
	}
	a = Attack{
		Kind: graph.Clip(e.Type),
		From: At(e.City, e.CountryCode, e.Latitude, e.Longitude),
		To:   At(e.City2, e.CountryCode2, e.Latitude2, e.Longitude2),
	}
	if places != nil && !(a.From.Known && a.To.Known) {
		a.lookUp(payload, places)
	}
	return a, a.From.Known || a.To.Known
}

// Names under which honeypots tell of addresses, the better known first.
var (
	attackers = []string{"saddr", "src_ip", "peerIP", "remote_host", "attackerIP", "source_ip", "remote", "ip"}
	sensors   = []string{"daddr", "dst_ip", "hostIP", "local_host", "victimIP", "dest_ip"}
)

func (a *Attack) lookUp(payload []byte, places Places) {
	var e map[string]json.RawMessage
	if json.Unmarshal(payload, &e) != nil {
		return
	}
	find := func(to *Place, names []string) {
		for _, name := range names {
			var text string
			if to.Known || json.Unmarshal(e[name], &text) != nil {
				continue
			}
			if addr, err := netip.ParseAddr(text); err == nil {
				if p, ok := places.Place(addr.Unmap()); ok {
					*to = p
				}
			}
		}
	}
	find(&a.From, attackers)
	find(&a.To, sensors)
}

// At is a place on the earth; coordinates that are none are left out.
func At(city, country string, lat, lon *float64) Place {
	p := Place{City: graph.Clip(city), Country: graph.Clip(country)}
	if lat != nil && lon != nil && *lat >= -90 && *lat <= 90 && *lon >= -180 && *lon <= 180 {
		p.Lat, p.Lon, p.Known = *lat, *lon, true
	}
	return p
}

// Count is how many attacks came from somewhere.
type Count struct {
	Name  string
	Count int
}

// Top are the n names that occur most often. A name that is empty does not count.
func Top(names []string, n int) (all []Count) {
	for _, name := range names {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		i := slices.IndexFunc(all, func(c Count) bool { return c.Name == name })
		if i < 0 {
			i = len(all)
			all = append(all, Count{Name: name})
		}
		all[i].Count++
	}
	slices.SortStableFunc(all, func(a, b Count) int { return cmp.Compare(b.Count, a.Count) })
	return all[:min(n, len(all))]
}
