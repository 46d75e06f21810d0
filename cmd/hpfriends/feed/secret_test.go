package feed

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// terminal is a pseudo-terminal, which echoes what is written to it.
func terminal(t *testing.T) *os.File {
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// shown is what stands on a terminal until now, which may come in pieces.
func shown(t *testing.T, screen *os.File) string {
	t.Helper()
	const end = "that is all"
	if _, err := screen.WriteString(end + "\n"); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for buf := make([]byte, 1024); ; {
		n, err := screen.Read(buf)
		if err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got = append(got, buf[:n]...)
		if before, _, ok := strings.Cut(string(got), end); ok {
			return before
		}
	}
}

// TestSecretOnACommandLineIsWarnedOf: on a terminal, and not of the ways that nobody else sees.
func TestSecretOnACommandLineIsWarnedOf(t *testing.T) {
	read := func(w io.Writer, args ...string) string {
		var got []byte
		app := &cli.App{Name: "x", Flags: brokerFlags(), ErrWriter: w, Writer: io.Discard}
		app.Action = func(c *cli.Context) (err error) {
			got, err = secretOf(c, strings.NewReader("s3cret\n"))
			return err
		}
		if err := app.Run(append([]string{"x"}, args...)); err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	screen := terminal(t)
	if got := read(screen, "-s", "s3cret"); got != "s3cret" {
		t.Errorf("the secret is %q", got)
	}
	if got := shown(t, screen); !strings.Contains(got, "use --secret-file FILE, or HPFRIENDS_SECRET") {
		t.Errorf("on a terminal: %q", got)
	}
	var file bytes.Buffer
	if read(&file, "-s", "s3cret"); file.Len() > 0 {
		t.Errorf("where nobody looks: %q", file.String())
	}
	quiet := terminal(t)
	read(quiet, "--secret-file", "-")
	t.Setenv("HPFRIENDS_SECRET", "s3cret")
	read(quiet)
	if got := shown(t, quiet); got != "" {
		t.Errorf("without a secret on the command line: %q", got)
	}
}
