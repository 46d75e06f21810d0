package authorities

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"hpfriends/internal/certtest"
)

// The first list of authorities that a process reads stays, so each machine is a process. Linux has them in files.
func TestKnown(t *testing.T) {
	own := filepath.Join(t.TempDir(), "ca.pem")
	text, _ := certtest.PEM(t, certtest.Make(t, &x509.Certificate{IsCA: true}, nil))
	if err := os.WriteFile(own, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for machine, want := range map[string]string{
		filepath.Join(t.TempDir(), "none"): "those of the program",
		own:                                "others",
	} {
		c := exec.Command(os.Args[0], "-test.run=^TestOnAMachine$", "-test.v")
		c.Env = append(os.Environ(), "SSL_CERT_FILE="+machine, "SSL_CERT_DIR="+t.TempDir(), "AUTHORITIES=told")
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "trusts "+want) {
			t.Errorf("with %s: %v: %s", machine, err, out)
		}
	}
}

// It is run by TestKnown.
func TestOnAMachine(t *testing.T) {
	if os.Getenv("AUTHORITIES") == "" {
		t.Skip("part of TestKnown")
	}
	pool := Known()
	for root := range bundle.Roots() {
		c, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: c.NotBefore.Add(time.Hour)})
		if err != nil {
			t.Logf("trusts others: %v", err)
			return
		}
	}
	t.Log("trusts those of the program")
}
