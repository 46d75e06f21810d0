package program

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"hpfriends/docs"
	"hpfriends/graph"
	"hpfriends/web/sensors"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// The commands of the cookbook make keys that publish what each sensor publishes, and nothing else; and what is to be
// pasted is what the page Connect a sensor offers.
func TestSensorsCookbookRuns(t *testing.T) {
	book, err := docs.Files.ReadFile("sensors.md")
	if err != nil {
		t.Fatal(err)
	}
	script, n := "server start\nexec hpfriends user add ada\n", 0
	for _, block := range shellBlock.FindAllStringSubmatch(string(book), -1) {
		for line := range strings.Lines(block[1]) {
			n++
			ident := regexp.MustCompile(`--ident (\S+)`).FindStringSubmatch(line)[1]
			script += "exec " + strings.TrimSpace(line) + " --secret-file secret\n"
			publish := regexp.MustCompile(`--pub (\S+)`).FindAllStringSubmatch(line, -1)
			for _, p := range publish {
				script += "exec hpfriends pub -i " + ident + " --secret-file secret -c " + p[1] + " event\n"
			}
			script += "exits 4 hpfriends pub -i " + ident + " --secret-file secret -c other.events event\n"
		}
	}
	if n < 12 {
		t.Fatalf("the cookbook has %d commands: this test looks at too little", n)
	}
	script += "-- secret --\nsecret-of-a-sensor\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sensors.txtar"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	runScripts(t, dir, func(*testscript.Env) error { return nil })
	readers, err := docs.Files.ReadFile("integrations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sensors.All {
		switch {
		case s.Token:
			pasted(t, string(readers), s)
		case len(s.Reads) > 0:
			may(t, string(book), s, "--sub", s.Reads)
			pasted(t, string(readers), s)
		case len(s.Channels) > 0:
			may(t, string(book), s, "--pub", s.Channels)
			pasted(t, string(book), s)
		}
	}
}

// may compares what the cookbook's key for a sensor may do with what that of Connect a sensor may.
func may(t *testing.T, book string, s sensors.Sensor, flag string, want []graph.Pattern) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^hpfriends authkey add .*--ident ` + s.ID + `-1 .*$`).FindString(book)
	var got []graph.Pattern
	for _, m := range regexp.MustCompile(flag+` '?([^\s']+)`).FindAllStringSubmatch(line, -1) {
		got = append(got, graph.Pattern(m[1]))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: the cookbook's key has %s %v, that of Connect a sensor %v", s.Name, flag, got, want)
	}
}

// pasted looks for what Connect a sensor has people paste in a document.
func pasted(t *testing.T, book string, s sensors.Sensor) {
	t.Helper()
	text, err := s.Configuration(sensors.Place{Host: "HOST", Port: "PORT", Site: "SITE", Ident: "IDENT", Secret: "SECRET"})
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "In ") &&
			!strings.Contains(book, line) {
			t.Errorf("%s: the cookbook has no line %q", s.Name, line)
		}
	}
}
