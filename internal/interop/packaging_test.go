//go:build interop

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// needs skips the test where a tool is missing, but for CI.
func needs(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", tool)
	}
	t.Skipf("%s is not installed", tool)
}

// generated is what `hpfriends gen` prints, in a file of the given name.
func generated(t *testing.T, name string, args ...string) string {
	t.Helper()
	text, err := exec.Command(hpfriends, append([]string{"gen"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAlertRulesAreRules(t *testing.T) {
	needs(t, "promtool")
	rules := generated(t, "rules.yaml", "prometheus-rules")
	out, err := exec.Command("promtool", "check", "rules", rules).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if found := regexp.MustCompile(`SUCCESS: (\d+) rules found`).FindSubmatch(out); found == nil {
		t.Fatalf("%s", out)
	} else if n, _ := strconv.Atoi(string(found[1])); n < 5 {
		t.Errorf("%d rules", n)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	const broken = "groups: [{name: a, rules: [{alert: B, expr: 'rate(hpfriends_sessions'}]}]"
	if err := os.WriteFile(wrong, []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("promtool", "check", "rules", wrong).CombinedOutput(); err == nil {
		t.Errorf("promtool finds nothing wrong: %s", out)
	}
}

// The unit is one, and exposes little.
func TestUnitIsHardened(t *testing.T) {
	needs(t, "systemd-analyze")
	unit := generated(t, "hpfriends.service", "systemd")
	out, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--threshold=20", unit).CombinedOutput()
	if err != nil {
		t.Errorf("the exposure is above 2.0: %v\n%s", err, out)
	}
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	// What it starts is where the package puts it, which need not be on this machine.
	here := regexp.MustCompile(`(?m)^ExecStart=\S+`).ReplaceAll(text, []byte("ExecStart="+hpfriends))
	if err := os.WriteFile(unit, here, 0o644); err != nil {
		t.Fatal(err)
	}
	verify := []string{"verify", "--man=no", unit}
	for _, name := range []string{"hpfeeds", "http"} {
		text, err := os.ReadFile(generated(t, "socket", "systemd", "--socket", name))
		if err != nil {
			t.Fatal(err)
		}
		socket := filepath.Join(filepath.Dir(unit), "hpfriends-"+name+".socket") // beside its service
		if err := os.WriteFile(socket, text, 0o644); err != nil {
			t.Fatal(err)
		}
		verify = append(verify, socket)
	}
	out, err = exec.Command("systemd-analyze", verify...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
