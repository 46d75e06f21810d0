//go:build interop

package interop

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The API refuses what its OpenAPI document says that it refuses, takes what the document allows, and answers as it
// says: schemathesis asks each operation, as a member and as an admin.
func TestAPIIsAsDocumented(t *testing.T) {
	for _, role := range []string{"member", "admin"} {
		t.Run(role, func(t *testing.T) {
			s := serve(t)
			s.cli(0, "user", "add", "bob")
			s.cli(0, "user", "add", "tester", "--role", role)
			s.authkey("tester", "k", []string{"*"}, []string{"*"})
			s.share("c", "bob", "tester", "own")
			token := strings.TrimSpace(s.cli(0, "token", "add", "--as", "tester", "--scope", "publish", "--scope", "admin"))
			data, err := os.ReadFile(filepath.Join(s.dir, "addresses.json"))
			if err != nil {
				t.Fatal(err)
			}
			var addresses struct{ HTTP string }
			if err := json.Unmarshal(data, &addresses); err != nil {
				t.Fatal(err)
			}
			args := []string{
				"--config-file", filepath.Join(root, "internal", "interop", "testdata", "schemathesis.toml"),
				"run", "http://" + addresses.HTTP + "/api/openapi.json", "-H", "Authorization: Bearer " + token,
				"--max-examples", "30", "--max-time", "50", "--generation-deterministic", "--no-color",
				"--suppress-health-check", "filter_too_much", // which is about its own generators
			}
			for _, id := range []string{ // these would end the run: its server, its user or its token
				"delete-users-handle", "patch-users-handle", "delete-tokens-id", "post-cluster-leave",
			} {
				args = append(args, "--exclude-operation-id", id)
			}
			run := exec.Command(filepath.Join(venv, "bin", "schemathesis"), args...)
			run.Dir = t.TempDir() // it leaves a cache
			timer := time.AfterFunc(2*time.Minute, func() { _ = run.Process.Kill() })
			defer timer.Stop()
			out, err := run.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if text := string(out); !strings.Contains(text, "passed") {
				t.Errorf("nothing was tested:\n%s", text)
			}
		})
	}
}
