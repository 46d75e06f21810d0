// Package sensors knows the software that can be connected: the channels that each publishes on, and its configuration.
//
// Its functions are pure. A configuration is text, and holds an ident and a secret as they are. The caller sees to
// it that no character of theirs ends a string in any of them: letters, digits and . _ @ / - do not.
package sensors

import (
	"embed"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"hpfriends/graph"
)

//go:embed configs/*.txt
var files embed.FS

var configs = template.Must(template.ParseFS(files, "configs/*.txt"))

// Sensor is software that publishes, and what it needs.
type Sensor struct {
	ID, Name string
	Channels []graph.Pattern // that it publishes on; empty: those that the user names
}

// All are what Connect a sensor offers. Their channels are the ones that each publishes on unless it is told
// otherwise; their configurations are those of the programs' own documentation.
var All = []Sensor{
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

// Named finds a sensor by its ID.
func Named(id string) (Sensor, bool) {
	i := slices.IndexFunc(All, func(s Sensor) bool { return s.ID == id })
	if i < 0 {
		return Sensor{}, false
	}
	return All[i], true
}

// Place is what a configuration says of the server, and of the authkey.
type Place struct{ Host, Port, Site, Ident, Secret string }

// Configuration is what to paste into the sensor.
func (s Sensor) Configuration(at Place) (string, error) {
	channel := graph.Pattern("test.events")
	if len(s.Channels) > 0 {
		channel = s.Channels[0]
	}
	var b strings.Builder
	err := configs.ExecuteTemplate(&b, s.ID+".txt", struct {
		Place
		Channel graph.Pattern
	}{at, channel})
	return b.String(), err
}

var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@/-]{0,254}$`)

// Plain reports whether an ident stands in every configuration as it is.
func Plain(ident string) bool { return plain.MatchString(ident) }

// Ident names a sensor by its kind and four characters of a random name, so that its owner knows it again in Logs:
// cowrie-3f9a. Where that is taken three times, it has the whole random name, of at least four characters.
func (s Sensor) Ident(random func() string, g *graph.Graph) string {
	for range 3 {
		ident := s.ID + "-" + random()[:4]
		if _, taken := g.AuthkeyByIdent(ident); !taken {
			return ident
		}
	}
	return s.ID + "-" + random()
}
