package program

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"hpfriends/docs"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// The commands of the migration guide do what it says, in its order, on a database that Python has made.
func TestMigrationGuideRuns(t *testing.T) {
	guide, err := docs.Files.ReadFile("migrate.md")
	if err != nil {
		t.Fatal(err)
	}
	script, n := "server start\n", 0
	for _, block := range shellBlock.FindAllStringSubmatch(string(guide), -1) {
		for line := range strings.Lines(block[1]) {
			script += "exec " + line
			n++
		}
	}
	script += "-- password --\ncorrect horse battery\n-- passphrase --\nstaple\n"
	if n < 8 {
		t.Fatalf("the guide has %d commands: this test looks at too little", n)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "migrate.txtar"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := filepath.Abs("testdata/sqlite.db")
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, dir, func(env *testscript.Env) error {
		data, err := os.ReadFile(db)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(env.WorkDir, "sqlite.db"), data, 0o600)
	})
}
