package operate

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"

	"hpfriends/server"
)

// checkHeld judges a port that systemd holds, for the server or for another one. There is no finding of one that it
// does not hold, or where there is no systemd to ask.
func checkHeld(ctx context.Context, l server.Listener, what string) []Finding {
	const name = "port"
	out, err := exec.CommandContext(ctx, "systemctl", "list-sockets", "--no-legend", "--no-pager", "--full").Output()
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line) // address, socket unit, what it starts
		if len(fields) < 3 {
			continue
		}
		at, err := netip.ParseAddrPort(fields[0])
		if err != nil || at.Port() != l.Endpoint.Port {
			continue
		}
		by := fmt.Sprintf("%s: systemd holds %s by %s, for %s", what, at, fields[1], fields[2])
		edit := "systemctl edit --full " + fields[1]
		show := exec.CommandContext(ctx, "systemctl", "show", "--property=FileDescriptorName", "--value", fields[1])
		given, _ := show.Output()
		switch called := strings.TrimSpace(string(given)); {
		case called != l.Setting:
			return one(name, Fail, fmt.Sprintf("%s, whose FileDescriptorName is %q", by, called),
				fmt.Sprintf("FileDescriptorName=%s (%s), if the server is to have it; else change %s in the settings",
					l.Setting, edit, l.Setting))
		case !server.ListensAt(net.TCPAddrFromAddrPort(at), l.Endpoint):
			return one(name, Fail, by+", and the setting is another address",
				fmt.Sprintf("the same in both: ListenStream= (%s), or %s in the settings", edit, l.Setting))
		}
		return one(name, OK, by, "")
	}
	return nil
}
