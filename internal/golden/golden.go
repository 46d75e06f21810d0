// Package golden compares what a test makes with a file that pins it: formats that are stored or sent, and documents.
//
// The files lie in testdata/golden of the tested package. `go test ./graph -update` writes them anew; what has changed
// is then a decision to be seen in the commit.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/golden anew")

// Compare fails the test unless got is what the file of this name holds, and says where they part.
func Compare(t testing.TB, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Errorf(
		"%s: byte %d of %d and line %d differ\ngot  %q\nwant %q", path, at, len(want), 1+bytes.Count(got[:at], []byte("\n")),
		excerpt(got, at), excerpt(want, at),
	)
}

// excerpt returns the line around a byte, as far as it is near.
func excerpt(b []byte, at int) []byte {
	from, to := max(0, at-80), min(len(b), at+80)
	if i := bytes.LastIndexByte(b[from:at], '\n'); i >= 0 {
		from += i + 1
	}
	if i := bytes.IndexByte(b[at:to], '\n'); i >= 0 {
		to = at + i
	}
	return b[from:to]
}
