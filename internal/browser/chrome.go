package browser

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// Browser is a chromium without window, for as long as a test runs.
type Browser struct {
	ctx context.Context
}

// flags are how every chromium is started here, Lighthouse's too: it asks nobody for anything of its own accord, and
// finds no host but this one.
var flags = []string{
	"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "no-default-browser-check",
	"disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage",
	"disable-extensions", "hide-scrollbars", "metrics-recording-only",
	"host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
}

// Start starts a chromium with an empty profile.
func Start(t testing.TB) *Browser {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()),
	}
	for _, f := range flags {
		name, value := cut(f)
		options = append(options, chromedp.Flag(name, value))
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return &Browser{ctx}
}

// chromium returns the path of the browser.
func chromium(t testing.TB) string { return program(t, "chromium", "apt-get install chromium") }

// program returns the path of a program. Without it the test is skipped; in CI it fails.
func program(t testing.TB, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lack(t, name, install)
	}
	return path
}

// lack ends the test that cannot run here.
func lack(t testing.TB, what, install string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: %s", what, install)
	}
	t.Skipf("%s is missing: %s", what, install)
}
