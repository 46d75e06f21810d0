package server

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// tellSupervisor tells systemd, if it has started this process, what the server is about: sd_notify(3).
func (s *Server) tellSupervisor(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.Logger.Warn("systemd cannot be told", "state", state, "err", err)
	}
}

// watchdog keeps telling systemd that the server lives. It asks the parts first, and their locks with them: a server
// that is stuck falls silent, and is started again (WatchdogSec= in systemd.service(5)).
func (s *Server) watchdog(ctx context.Context) error {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		s.Logger.Warn("systemd's watchdog is not answered", "err", err)
	}
	if every == 0 {
		return nil
	}
	tick := time.NewTicker(every / 3)
	defer tick.Stop()
	for {
		s.router.Position()
		s.wire.Sessions()
		s.node.Report()
		s.tellSupervisor(daemon.SdNotifyWatchdog)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
