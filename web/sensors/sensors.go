// Package sensors knows the software that can be connected: the channels that each publishes on or reads, and its
// configuration.
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

// Sensor is software that publishes, or reads, and what it needs.
type Sensor struct {
	ID, Name string
	Channels []graph.Pattern // that it publishes on; empty: those that the user names
	Reads    []graph.Pattern // what it subscribes to; empty: it publishes
	Token    bool            // it reads by HTTP, with an API token instead of an authkey
}

// Pub are the channels that its authkey may publish on.
func (s Sensor) Pub() []graph.Pattern {
	if s.Channels == nil && s.Reads == nil {
		return []graph.Pattern{"test.events"}
	}
	return s.Channels
}

// All are what Connect a sensor offers. Their channels are the ones that each publishes on unless it is told
// otherwise; their configurations are those of the programs' own documentation.
var All = []Sensor{
	{ID: "cowrie", Name: "cowrie", Channels: []graph.Pattern{"cowrie.sessions"}},
	{ID: "dionaea", Name: "dionaea", Channels: []graph.Pattern{
		"dionaea.capture", "dionaea.capture.anon", "dionaea.connections", "dionaea.dcerpcrequests",
		"dionaea.shellcodeprofiles", "mwbinary.dionaea.sensorunique",
	}},
	{ID: "tpot", Name: "T-Pot", Channels: []graph.Pattern{"ews.events"}},
	{ID: "opencanary", Name: "OpenCanary", Channels: []graph.Pattern{"opencanary.events"}},
	{ID: "conpot", Name: "Conpot", Channels: []graph.Pattern{"conpot.events"}},
	{ID: "heralding", Name: "heralding", Channels: []graph.Pattern{"heralding.auth", "heralding.session"}},
	{ID: "python", Name: "the Python client"},
	{ID: "hpfriends", Name: "the hpfriends command"},
	{ID: "logstash", Name: "Logstash", Reads: []graph.Pattern{"cowrie.*"}},
	{ID: "curl", Name: "curl", Reads: []graph.Pattern{"cowrie.*"}, Token: true},
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
	channel := slices.Concat(s.Pub(), s.Reads)[0]
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
