package reference

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/urfave/cli/v2"
)

var (
	link     = regexp.MustCompile(`\[([^\]]*)\]\(([^)]*)\)`)
	flagLine = regexp.MustCompile("(?m)^- ((?:`[^`]+`(?:, )?)+): (.*)$")
	bold     = regexp.MustCompile(`\\fB[^\\]*\\f`)
)

// Manual writes the manual page of a program: its reference, as roff. The library of its command line would leave out
// what commands take as arguments and from the environment.
func Manual(w io.Writer, app *cli.App) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s 1\n\n# NAME\n\n%[1]s - %[2]s\n\n", app.Name, app.Usage)
	fmt.Fprintf(&b, "# SYNOPSIS\n\n**%s** *COMMAND* [options] [arguments]\n\n", app.Name)
	fmt.Fprintf(&b, "# DESCRIPTION\n\n%s\n\n%s\n\n", paragraphs(app.Description), environment)
	writeCommands(&b, app)
	text := strings.ReplaceAll(b.String(), "[many]", "[many commands]")
	text = link.ReplaceAllStringFunc(text, func(l string) string {
		m := link.FindStringSubmatch(l)
		if strings.HasPrefix(m[2], "#") {
			return m[1]
		}
		return path.Join("docs", m[2])
	})
	page := md2man.Render([]byte(flagLine.ReplaceAllString(text, "$1\n: $2\n")))
	page = bytes.ReplaceAll(page, []byte("\n.EX\n"), []byte("\n.PP\n.EX\n")) // not part of the last flag
	page = bold.ReplaceAllFunc(page, func(words []byte) []byte {
		words = bytes.ReplaceAll(words, []byte("-"), []byte(`\-`))         // stays ASCII
		return bytes.ReplaceAll(words, []byte(`\fB\-`), []byte(`\fB\%\-`)) // no line ends within a flag
	})
	_, err := w.Write(page)
	return err
}
