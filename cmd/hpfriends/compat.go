package main

import (
	"os"
	"path/filepath"
	"strings"
)

// compat runs this program as one of the hpfeeds programs if it was called by such a name: hpfeeds, hpfeeds-client and
// hpfeeds-broker take those programs' own command lines.
func compat(argv0 string, args []string) (exit int, handled bool) {
	name := strings.TrimSuffix(filepath.Base(argv0), ".exe")
	switch name {
	case hpfeedsProgram.name:
		return hpfeedsProgram.main(args), true
	case clientProgram.name:
		return clientProgram.main(args), true
	case "hpfeeds-broker":
		return runBroker(args, os.Stdout, os.Stderr, runApp), true
	}
	return 0, false
}
