package raftfsm

import (
	"log/slog"
	"os"
)

// exitOn is the default fail-stop: a node that cannot trust its state must not go on.
func exitOn(l *slog.Logger) func(error) {
	return func(err error) {
		l.Error("stopping: the state of this node cannot be trusted", "err", err)
		os.Exit(1)
	}
}
