package link

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestIdentityIsStoredAndLoaded(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty directory: %v", err)
	}
	id := bootstrap(t, clusterA, "n1")
	if err := id.Save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir)
	if err != nil || got.Cluster != clusterA || got.Node != "n1" ||
		got.authority.Fingerprint() != id.authority.Fingerprint() {
		t.Fatalf("loaded %+v, %v", got, err)
	}
	if info, _ := os.Stat(filepath.Join(dir, File)); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("files: %v", left)
	}
}

// A file that an earlier version has stored is read, and stored again as it was.
func TestIdentityFileIsPinned(t *testing.T) {
	dir, golden := t.TempDir(), filepath.Join("testdata", "golden", File)
	if flag.Lookup("update").Value.String() == "true" {
		if err := bootstrap(t, clusterA, "n1").Save(filepath.Dir(golden)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, File), want, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	id, err := Load(dir)
	if err != nil || id.Cluster != clusterA || id.Node != "n1" {
		t.Fatalf("loaded %+v, %v", id, err)
	}
	if err := id.store(); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, File)); !bytes.Equal(got, want) {
		t.Errorf("stored again it is\n%s\nwant\n%s", got, want)
	}
}

func TestIdentityFileThatIsUnsafeOrMixedIsRefused(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, File)
	if err := errors.Join(bootstrap(t, clusterA, "n1").Save(dir), bootstrap(t, clusterA, "n1").Save(other)); err != nil {
		t.Fatal(err)
	}
	good, _ := os.ReadFile(path)
	foreign, _ := os.ReadFile(filepath.Join(other, File))
	part := bytes.Index(good[10:], []byte("-----BEGIN CERTIFICATE")) + 10
	foreignPart := bytes.Index(foreign[10:], []byte("-----BEGIN CERTIFICATE")) + 10
	key := bytes.Index(good, []byte("-----BEGIN PRIVATE KEY"))
	foreignKey := bytes.Index(foreign, []byte("-----BEGIN PRIVATE KEY"))
	for name, content := range map[string][]byte{
		"empty":               {},
		"cut short":           good[:part],
		"authority of other":  append(bytes.Clone(good[:part]), foreign[foreignPart:]...),
		"node key of other":   append(append(bytes.Clone(good[:key]), foreign[foreignKey:foreignPart]...), good[part:]...),
		"order of the blocks": append(bytes.Clone(good[part:]), good[:part]...),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); !errors.Is(err, ErrIdentity) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := errors.Join(os.WriteFile(path, good, 0o600), os.Chmod(path, 0o640)); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); !errors.Is(err, ErrIdentity) {
		t.Errorf("readable by the group: %v", err)
	}
}

func TestCertificateIsRenewedInTimeAndStored(t *testing.T) {
	dir := t.TempDir()
	id := bootstrap(t, clusterA, "n1")
	if err := id.Save(dir); err != nil {
		t.Fatal(err)
	}
	presented := func() time.Time {
		cert, err := id.certificate()
		if err != nil {
			t.Fatal(err)
		}
		return cert.Leaf.NotAfter
	}
	first := presented()
	id.now = func() time.Time { return first.Add(-CertificateLife/3 - time.Hour) }
	if got := presented(); got != first {
		t.Errorf("renewed too early, from %v to %v", first, got)
	}
	id.now = func() time.Time { return first.Add(-CertificateLife/3 + time.Hour) }
	if got := presented(); !got.After(first) {
		t.Errorf("not renewed a third before the end")
	}
	id.now = func() time.Time { return first.Add(CertificateLife) } // off for a year beyond the expiry
	renewed := presented()
	if renewed.Before(id.now()) {
		t.Errorf("not renewed: %v", renewed)
	}
	id.now = func() time.Time { return time.Now().Add(time.Hour) } // the clock is put right
	if got := presented(); !got.Before(renewed) {
		t.Errorf("a certificate from the future stays: until %v", got)
	} else {
		renewed = got
	}
	again, err := Load(dir)
	if err != nil || !again.leaf.NotAfter.Equal(renewed) {
		t.Errorf("stored: %v, %v", again, err)
	}
}

func TestDataDirectoryOfAnotherIsRefused(t *testing.T) {
	id := bootstrap(t, clusterA, "n1")
	for _, c := range []struct {
		bound Bound
		want  error
	}{
		{Bound{clusterA, "n1"}, nil},
		{Bound{clusterB, "n1"}, ErrForeign},
		{Bound{clusterA, "n2"}, ErrIdentity},
		{Bound{}, ErrWiped},
		{Bound{clusterA, ""}, ErrWiped},
	} {
		if err := c.bound.Check(id); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%+v: %v, want %v", c.bound, err, c.want)
		}
	}
}

func TestNamesThatCannotBeNodesAreRefused(t *testing.T) {
	for _, id := range []string{"", "-a", "a/b", "a b", "n\x1b[1m", "ü", string(make([]byte, 65)), "a%2fb"} {
		if CheckNodeID(id) == nil {
			t.Errorf("node id %q", id)
		}
	}
	for _, addr := range []string{"", "h", ":1", "h:", "h:0", "0.0.0.0:1", "[::]:1", "a b:1"} {
		if checkAddr(addr) == nil {
			t.Errorf("address %q", addr)
		}
	}
	if err := errors.Join(CheckNodeID("node-1a2b"), checkAddr("db.example:4000"), checkAddr("[::1]:4000")); err != nil {
		t.Error(err)
	}
}
