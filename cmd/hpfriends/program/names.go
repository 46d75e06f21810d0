package program

import (
	"os"
	"path/filepath"
	"strings"

	"hpfriends/cmd/hpfriends/compat"
)

// byName runs this program as one of the hpfeeds programs if it was called by such a name: hpfeeds, hpfeeds-client and
// hpfeeds-broker take those programs' own command lines.
func byName(argv0 string, args []string) (exit int, handled bool) {
	name := strings.TrimSuffix(filepath.Base(argv0), ".exe")
	switch name {
	case compat.HpfeedsProgram.Name:
		return compat.HpfeedsProgram.Main(args), true
	case compat.ClientProgram.Name:
		return compat.ClientProgram.Main(args), true
	case "hpfeeds-broker":
		return compat.RunBroker(args, os.Stdout, os.Stderr, hpfriends), true
	}
	return 0, false
}
