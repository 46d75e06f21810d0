package program

import (
	"context"
	"net"
	"os"
	"regexp"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"hpfriends/internal/proc"
)

// scriptServers are the servers that scripts have started, by the directory of the script.
var scriptServers sync.Map

// runServer starts a whole server for a script, in place of the API on a graph in memory, or kills it:
//
//	server start [FLAG]...  and the following commands ask it and publish to it
//	server stop             in good order
//	server kill             as a crash would
func runServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: server start|stop|kill")
	}
	where := ts.Getenv("WORK")
	switch args[0] {
	case "start":
		dir := ts.MkAbs("real")
		ts.Check(os.MkdirAll(dir, 0o700))
		p, err := proc.Start(context.Background(), dir, []string{asProgram + "=1"}, args[1:]...)
		ts.Check(err)
		scriptServers.Store(where, p)
		ts.Defer(func() {
			if p, ok := scriptServers.LoadAndDelete(where); ok {
				ts.Check(p.(*proc.Server).Stop())
			}
		})
		_, port, err := net.SplitHostPort(p.Address)
		ts.Check(err)
		ts.Setenv("HPFRIENDS_DATA_DIR", dir)
		ts.Setenv("HPFRIENDS_PORT", port)
	case "kill", "stop":
		p, ok := scriptServers.LoadAndDelete(where)
		if !ok {
			ts.Fatalf("no server is running")
		}
		if args[0] == "stop" {
			ts.Check(p.(*proc.Server).Stop())
			return
		}
		p.(*proc.Server).Kill()
	default:
		ts.Fatalf("usage: server start|stop|kill")
	}
}

// capture NAME FILE REGEXP sets a variable to what the expression's group finds in a file.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: capture NAME FILE REGEXP")
	}
	found := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(found) != 2 {
		ts.Fatalf("%s has nothing that %s finds", args[1], args[2])
	}
	ts.Setenv(args[0], found[1])
}
