package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/internal/certtest"
)

// write makes a certificate with a serial number, and its key, in place of what the files have.
func write(t *testing.T, f Files, serial int64, until time.Time, only ...string) {
	t.Helper()
	made := certtest.Make(t, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "broker.example"}, NotAfter: until,
		NotBefore: until.Add(-90 * 24 * time.Hour),
	}, nil)
	cert, key := certtest.PEM(t, made)
	for path, text := range map[string][]byte{f.Cert: cert, f.Key: key} {
		if len(only) > 0 && path != only[0] {
			continue
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func serial(t *testing.T, p *Pair) int64 {
	t.Helper()
	c, err := p.Certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf.SerialNumber.Int64()
}

func open(t *testing.T, log *strings.Builder) (*Store, *Pair, Files) {
	t.Helper()
	dir := t.TempDir()
	f := Files{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	write(t, f, 1, time.Now().Add(24*time.Hour))
	s := NewStore(slog.New(slog.NewTextHandler(log, nil)))
	p, err := s.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Open(f); err != nil || again != p {
		t.Errorf("the same files opened again: %v", err)
	}
	return s, p, f
}

// What cannot be used is said once, and the old pair stays until there is one that can.
func TestBadNewPairKeepsTheOldOne(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, f Files){
		"the key of another": func(t *testing.T, f Files) { write(t, f, 2, time.Now().Add(time.Hour), f.Cert) },
		"no PEM":             func(t *testing.T, f Files) { _ = os.WriteFile(f.Cert, []byte("x"), 0o600) },
		"an empty key":       func(t *testing.T, f Files) { _ = os.WriteFile(f.Key, nil, 0o600) },
		"gone":               func(t *testing.T, f Files) { _ = os.Remove(f.Key) },
		"expired":            func(t *testing.T, f Files) { write(t, f, 2, time.Now().Add(-time.Minute)) },
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			s, p, f := open(t, &log)
			spoil(t, f)
			if err := s.refresh(false); err != nil || log.Len() > 0 { // it may be under way
				t.Errorf("at the first check: %v, %s", err, log.String())
			}
			if err := s.refresh(false); err == nil {
				t.Error("no error at the second check")
			}
			if err := s.refresh(false); err != nil || strings.Count(log.String(), "level=ERROR") != 1 {
				t.Errorf("at the third check: %v, %s", err, log.String())
			}
			if err := s.Reload(); err == nil {
				t.Error("no error when asked")
			}
			st := s.Status()
			if serial(t, p) != 1 || len(st) != 1 || st[0].Problem == "" || len(s.Warnings(time.Now())) != 1 {
				t.Errorf("serial %d, %+v, %q", serial(t, p), st, s.Warnings(time.Now()))
			}
			write(t, f, 3, time.Now().Add(48*time.Hour))
			if err := s.refresh(false); err != nil || serial(t, p) != 3 || s.Status()[0].Problem != "" {
				t.Errorf("mended: %v, serial %d, %+v", err, serial(t, p), s.Status())
			}
		})
	}
}

// A new certificate is there before its key: nobody is told, and nobody gets half of it.
func TestPairIsReplacedWhole(t *testing.T) {
	var log strings.Builder
	s, p, f := open(t, &log)
	other := Files{f.Cert + "2", f.Key + "2"}
	write(t, other, 2, time.Now().Add(time.Hour))
	for i, name := range []string{other.Cert, other.Key} {
		if err := os.Rename(name, strings.TrimSuffix(name, "2")); err != nil {
			t.Fatal(err)
		}
		if err := s.refresh(false); err != nil || serial(t, p) != int64(i+1) {
			t.Errorf("after %d files: %v, serial %d", i+1, err, serial(t, p))
		}
	}
	if strings.Contains(log.String(), "ERROR") {
		t.Error(log.String())
	}
}

func TestWatchTakesWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s, p, f := open(t, &log)
		go func() { _ = s.Watch(t.Context()) }()
		write(t, f, 2, time.Now().Add(time.Hour))
		time.Sleep(checkEvery + time.Millisecond)
		synctest.Wait()
		if serial(t, p) != 2 {
			t.Error("the new pair is not used")
		}
	})
}

// A certificate that has expired is better than none: who pins it takes it.
func TestExpiredIsTakenAtTheStart(t *testing.T) {
	var log strings.Builder
	dir := t.TempDir()
	f := Files{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	write(t, f, 1, time.Now().Add(-time.Hour))
	s := NewStore(slog.New(slog.NewTextHandler(&log, nil)))
	if _, err := s.Open(f); err != nil || !strings.Contains(log.String(), "has expired") {
		t.Errorf("%v, %s", err, log.String())
	}
	if w := s.Warnings(time.Now()); len(w) != 1 || !strings.Contains(w[0], "has expired") {
		t.Errorf("%q", w)
	}
	if _, err := s.Open(Files{f.Cert, f.Cert}); err == nil {
		t.Error("a pair without key is opened")
	}
	if _, err := s.Open(Files{f.Cert + "x", f.Key}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("files that are not there: %v", err)
	}
}

func TestWarningsComeBeforeTheEnd(t *testing.T) {
	var log strings.Builder
	s, p, _ := open(t, &log)
	until := p.current.Load().Leaf.NotAfter
	for before, want := range map[time.Duration]string{
		30 * 24 * time.Hour: "", 6 * 24 * time.Hour: "expires on", -time.Second: "has expired",
	} {
		w := s.Warnings(until.Add(-before))
		if (len(w) == 1) != (want != "") || want != "" && !strings.Contains(w[0], want) {
			t.Errorf("%s before the end: %q", before, w)
		}
	}
	if st := s.Status(); len(st) != 1 || len(st[0].Names) != 1 || st[0].Names[0] != "broker.example" ||
		!strings.HasPrefix(st[0].Fingerprint, "sha256:") {
		t.Errorf("%+v", st)
	}
}
