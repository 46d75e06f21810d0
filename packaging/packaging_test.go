package packaging

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"hpfriends/docs"
)

var metricName = regexp.MustCompile(`\bhp(?:feeds|friends)_[a-z_]+\b`)

// known are the names of metrics in the sources of the packages that have any.
func known(t *testing.T) map[string]bool {
	t.Helper()
	literal := regexp.MustCompile(`"(hp(?:feeds|friends)_[a-z_]+)"`)
	names := make(map[string]bool)
	for _, dir := range []string{"../server", "../broker", "../web", "../router", "../raftfsm"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range literal.FindAllSubmatch(text, -1) {
				names[string(m[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(names) < 20 {
		t.Fatalf("only %d metrics are found", len(names))
	}
	return names
}

// metric is the metric of a series: a histogram has three kinds of them.
func metric(series string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if name, cut := strings.CutSuffix(series, suffix); cut && strings.HasSuffix(name, "_duration_seconds") {
			return name
		}
	}
	return series
}

// The document has every metric, and none that there is not.
func TestDocumentListsTheMetrics(t *testing.T) {
	text, err := docs.Files.ReadFile("metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [a-z]+ \\|").FindAllSubmatch(text, -1) {
		listed[string(m[1])] = true
	}
	names := known(t)
	for name := range names {
		if !listed[name] {
			t.Errorf("docs/metrics.md does not list %s", name)
		}
	}
	for name := range listed {
		if !names[name] {
			t.Errorf("docs/metrics.md lists %s, which no server has", name)
		}
	}
}

func TestDashboardAndRulesAskForMetricsThatThereAre(t *testing.T) {
	dashboard, err := Dashboard()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := Files.ReadFile("prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names := known(t)
	for what, text := range map[string][]byte{"dashboard": dashboard, "rules": rules} {
		asked := metricName.FindAllString(string(text), -1)
		if len(asked) < 7 {
			t.Errorf("the %s asks for %d metrics", what, len(asked))
		}
		for _, name := range asked {
			if !names[metric(name)] {
				t.Errorf("the %s asks for %s, which no server has", what, name)
			}
		}
	}
}

// The panels lie side by side on Grafana's grid and have what its model wants.
func TestDashboardIsLaidOut(t *testing.T) {
	text, err := Dashboard()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			ID      int
			Type    string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	taken := make(map[[2]int]int)
	ids := make(map[int]bool)
	for _, p := range d.Panels {
		if ids[p.ID] || p.Type != "row" && (len(p.Targets) == 0 || p.Targets[0].Expr == "" || p.Targets[0].RefID != "A") {
			t.Errorf("panel %d: %+v", p.ID, p)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != 0 || x >= columns {
					t.Fatalf("panel %d lies on %d at %d, %d", p.ID, other, x, y)
				}
				taken[[2]int{x, y}] = p.ID
			}
		}
	}
}

func TestFilesAreYAML(t *testing.T) {
	for _, path := range []string{"prometheus/rules.yaml", "compose/one.yaml", "compose/three.yaml", "hpfriends.yaml"} {
		text, err := Files.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var content map[string]any
		if err := yaml.Unmarshal(text, &content); err != nil || len(content) == 0 {
			t.Errorf("%s: %v, %v", path, content, err)
		}
	}
}
