package cmdline

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// UntilInterrupt returns a context that is done on Ctrl-C; a second one ends the program at once.
func UntilInterrupt(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
