package raftfsm

import (
	"io"
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

// raftLogger hands raft's warnings and errors to slog.
func raftLogger(l *slog.Logger) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Name: "raft", Level: hclog.Warn, Output: slogWriter{l}, DisableTime: true, Exclude: aloneAtStart})
}

// aloneAtStart leaves out the warning with which a single node begins: nobody leads until it elects itself.
func aloneAtStart(_ hclog.Level, msg string, _ ...any) bool {
	return strings.HasPrefix(msg, "heartbeat timeout reached")
}

type slogWriter struct{ l *slog.Logger }

var _ io.Writer = slogWriter{}

// Write logs one line.
func (w slogWriter) Write(line []byte) (int, error) {
	w.l.Warn(string(line[:max(0, len(line)-1)]))
	return len(line), nil
}
