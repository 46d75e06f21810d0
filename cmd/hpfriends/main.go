// Command hpfriends is the broker, its command line, and a set of hpfeeds clients, in one binary.
package main

import (
	"os"

	"hpfriends/cmd/hpfriends/program"
)

func main() { os.Exit(program.Main(os.Args)) }
