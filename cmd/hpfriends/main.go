// Command hpfriends is the broker, its command line, and a set of hpfeeds clients, in one binary.
package main

import (
	"os"
	_ "time/tzdata" // where there is none: an image from scratch has no files

	"hpfriends/cmd/hpfriends/program"
	"hpfriends/internal/passwords"
)

func main() {
	passwords.ServeBeside()
	os.Exit(program.Main(os.Args))
}
