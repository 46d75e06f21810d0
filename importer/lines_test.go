package importer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A file that somebody hands to an operator takes as long as it is large: to say on which line a key stands does not
// mean to count all lines before it again.
func TestLargeStoresAreReadInTime(t *testing.T) {
	const keys = 100_000
	var users, docs bytes.Buffer
	users.WriteString("{\n")
	for i := range keys {
		if i > 0 {
			users.WriteString(",\n\n\n\n\n")
		}
		fmt.Fprintf(&users, `"k%d": {"owner": "ada", "secret": "s%d", "pubchans": ["%s"], "subchans": []}`, i, i,
			bytes.Repeat([]byte("c"), 100))
		docs.WriteString("\n\n\n\n")
		fmt.Fprintf(&docs, `{"identifier": "k%d", "secret": "s%d", "owner": "ada", "publish": ["%s"]}`, i, i,
			bytes.Repeat([]byte("c"), 100))
	}
	users.WriteString("\n}\n")
	for name, try := range map[string]struct {
		text []byte
		read func(string) (Store, error)
		last string
	}{
		"users.json": {users.Bytes(), JSON, fmt.Sprint("line ", 2+5*(keys-1))},
		"mongo.json": {docs.Bytes(), Mongo, fmt.Sprint("line ", 1+4*keys)},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, try.text, 0o600); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		s, err := try.read(path)
		if err != nil || len(s.Keys) != keys || s.Keys[keys-1].Where != try.last {
			t.Fatalf("%s: %d keys, the last on %q, want %d on %q (%v)", name, len(s.Keys), s.Keys[len(s.Keys)-1].Where, keys,
				try.last, err)
		}
		if took := time.Since(begun); took > 40*time.Second {
			t.Errorf("%s: %d MiB took %v", name, len(try.text)>>20, took)
		}
	}
}
