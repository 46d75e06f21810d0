package cmdline

import (
	"os"
	"path/filepath"
	"testing"
)

// The API takes secrets as JSON, which would make others of these: the login would be refused.
func TestSecretThatIsNotUTF8IsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for content, good := range map[string]bool{"s3cret": true, "pässword": true, "p\xe4ssword": false} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadSecret(path); (err == nil) != good || good && got != content {
			t.Errorf("%q is read as %q (%v)", content, got, err)
		}
	}
}
