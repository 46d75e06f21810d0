package cmdline

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// UntilInterrupt returns a context that is done on Ctrl-C, on SIGTERM, and as UntilHangUp's; a second one of the first
// two ends the program at once.
func UntilInterrupt(parent context.Context) (context.Context, context.CancelFunc) {
	hangUp, stopHangUp := UntilHangUp(parent)
	ctx, stop := signal.NotifyContext(hangUp, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, func() {
		stop()
		stopHangUp()
	}
}

// UntilHangUp returns a context that is done on SIGHUP, as when the terminal is closed; not under nohup.
func UntilHangUp(parent context.Context) (context.Context, context.CancelFunc) {
	if signal.Ignored(syscall.SIGHUP) {
		return context.WithCancel(parent)
	}
	return signal.NotifyContext(parent, syscall.SIGHUP)
}

// OutliveTerminal has the process go on, for good, when its terminal is closed or nobody reads any more what it prints.
// The channel has each SIGHUP from then on; contexts of UntilHangUp are done by none.
func OutliveTerminal() <-chan os.Signal {
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	return hangUps
}
