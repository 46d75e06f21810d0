package operate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/secret"
)

// What init was given is what the settings in its file are, wherever they are read; and nobody else reads them.
func TestInitWritesTheSettingsItWasGiven(t *testing.T) {
	t.Chdir(t.TempDir())
	out, err := run(t, "init", "--json", "--data-dir", "data", "--name", "a community", "--http", "127.0.0.1:1234",
		"--hpfeeds", "tcp:port=1", "--hpfeeds", "tcp:port=2", "--max-message", "1MiB", "--cluster", "127.0.0.1:7000")
	var made Initialised
	if e := json.Unmarshal([]byte(out), &made); err != nil || e != nil {
		t.Fatalf("%v: %s", err, out)
	}
	here, _ := os.Getwd()
	if made.Config != filepath.Join(here, "hpfriends.yaml") || made.DataDir != filepath.Join(here, "data") ||
		len(made.Next) != 4 {
		t.Errorf("%+v", made)
	}
	for path, want := range map[string]os.FileMode{made.Config: 0o600, made.DataDir: 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %o", path, info.Mode(), err, want)
		}
	}
	if _, err := secret.RevealDataKey(made.DataDir); err != nil {
		t.Error(err)
	}
	t.Chdir(t.TempDir())
	if out, err := run(t, "config", "validate", made.Config); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err = run(t, "config", "view", "--json", "--config", made.Config)
	var got struct {
		DataDir string   `json:"data-dir"`
		Hpfeeds []string `json:"hpfeeds"`
		HTTP    string   `json:"http"`
		Name    string   `json:"name"`
		Most    int      `json:"max-message"`
		Cluster string   `json:"cluster"`
		First   bool     `json:"bootstrap"`
	}
	if e := json.Unmarshal([]byte(out), &got); err != nil || e != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got.DataDir != made.DataDir || strings.Join(got.Hpfeeds, " ") != "tcp:port=1 tcp:port=2" || got.Most != 1<<20 ||
		got.HTTP != "127.0.0.1:1234" || got.Name != "a community" || got.Cluster != "127.0.0.1:7000" || !got.First {
		t.Errorf("%+v", got)
	}
	if text, _ := os.ReadFile(made.Config); strings.Contains(string(text), "retention") {
		t.Errorf("a setting that was not given is fixed:\n%s", text)
	}
}

// Whatever is there already stays as it is, and nothing is made beside it.
func TestInitOverwritesNothing(t *testing.T) {
	for name, c := range map[string]struct{ there, args, told string }{
		"settings":             {"hpfriends.yaml", "", "hpfriends.yaml is there already"},
		"settings elsewhere":   {"x.yaml", "x.yaml", "x.yaml is there already"},
		"data":                 {"hpfriends-data/log", "", "hpfriends-data is not empty (log)"},
		"data elsewhere":       {"d/data.key", "--data-dir=d", "d is not empty (data.key)"},
		"setting that is none": {"other", "--retention=soon", "--retention soon"},
		"second node":          {"other", "--cluster=[::1]:1 --join=[::1]:2 --join-token-file=-", "hpfriends serve --join"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			if err := os.MkdirAll(filepath.Dir(c.there), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, c.there, "old", 0o600)
			_, err := run(t, append([]string{"init"}, strings.Fields(c.args)...)...)
			code, text := cmdline.Explain(err)
			if err == nil || code != cmdline.ExitConflict && code != cmdline.ExitUsage || !strings.Contains(text, c.told) {
				t.Errorf("exit %d: %s", code, text)
			}
			if text, _ := os.ReadFile(c.there); string(text) != "old" {
				t.Errorf("%s is now %q", c.there, text)
			}
			var files []string
			_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, _ error) error {
				if !d.IsDir() {
					files = append(files, path)
				}
				return nil
			})
			if len(files) != 1 {
				t.Errorf("there are now %q", files)
			}
		})
	}
}
