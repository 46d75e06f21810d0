package term

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// IsTerminal reports whether w is a terminal, so that somebody may be looking at it.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// WarnSecret tells who types a secret on a command line that others can read it there, and what to use instead. Nobody
// is told where nobody types.
func WarnSecret(w io.Writer, instead string) {
	if IsTerminal(os.Stdin) || IsTerminal(w) {
		fmt.Fprintf(w, "hpfriends: other users of this machine can read a secret on a command line: use %s\n", instead)
	}
}
