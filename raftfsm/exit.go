package raftfsm

import (
	"log/slog"
	"os"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// exitOn is the default fail-stop: a node that cannot trust its state must not go on.
func exitOn(l *slog.Logger) func(error) {
	return func(err error) {
		l.Error("stopping: the state of this node cannot be trusted", "err", err)
		os.Exit(1)
	}
}

// aloneAtStart leaves out the warning with which a single node begins: nobody leads until it elects itself.
func aloneAtStart(_ hclog.Level, msg string, _ ...any) bool {
	return strings.HasPrefix(msg, "heartbeat timeout reached")
}
