package pages

import (
	"embed"
	"net"
	"net/http"
	"slices"
	"strings"
	"text/template"

	"hpfriends/graph"
	"hpfriends/web/who"
)

//go:embed sensors/*.txt
var sensorFiles embed.FS

var sensorTemplates = template.Must(template.ParseFS(sensorFiles, "sensors/*.txt"))

// sensor is software that publishes, and what it needs.
type sensor struct {
	ID, Name string
	Channels []graph.Pattern // that it publishes on; empty: those that the user names
}

// sensors are what Connect a sensor offers. Their channels are the ones that each publishes on unless it is told
// otherwise; their configurations are those of the programs' own documentation.
var sensors = []sensor{
	{"cowrie", "cowrie", []graph.Pattern{"cowrie.sessions"}},
	{"dionaea", "dionaea", []graph.Pattern{
		"dionaea.capture", "dionaea.capture.anon", "dionaea.connections", "dionaea.dcerpcrequests",
		"dionaea.shellcodeprofiles", "mwbinary.dionaea.sensorunique",
	}},
	{"tpot", "T-Pot", []graph.Pattern{"ews.events"}},
	{"opencanary", "OpenCanary", []graph.Pattern{"opencanary.events"}},
	{"conpot", "Conpot", []graph.Pattern{"conpot.events"}},
	{"heralding", "heralding", []graph.Pattern{"heralding.auth", "heralding.session"}},
	{"python", "the Python client", nil},
	{"hpfriends", "the hpfriends command", nil},
}

func sensorNamed(id string) (sensor, bool) {
	i := slices.IndexFunc(sensors, func(s sensor) bool { return s.ID == id })
	if i < 0 {
		return sensor{}, false
	}
	return sensors[i], true
}

// configuration is what to paste into a sensor. An ident or secret holds no character that would end a string there:
// those that this page makes are letters and digits.
func (p *Pages) configuration(r *http.Request, s sensor, ident, secret string) (string, error) {
	channel := graph.Pattern("test.events")
	if len(s.Channels) > 0 {
		channel = s.Channels[0]
	}
	var b strings.Builder
	err := sensorTemplates.ExecuteTemplate(&b, s.ID+".txt", map[string]any{
		"Host": hostOf(r.Host), "Port": p.hpfeedsPort(), "Site": origin(r), "Channel": channel,
		"Ident": ident, "Secret": secret,
	})
	return b.String(), err
}

// origin is the address of this server, as the browser knows it.
func origin(r *http.Request) string {
	if who.OverTLS(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// hpfeedsPort is the port that sensors connect to: the first of the listeners.
func (p *Pages) hpfeedsPort() string {
	if p.Hpfeeds != nil {
		for _, address := range p.Hpfeeds() {
			if _, port, err := net.SplitHostPort(address); err == nil {
				return port
			}
		}
	}
	return "10000"
}
