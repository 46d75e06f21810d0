package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	"github.com/coreos/go-systemd/v22/activation"

	"hpfriends/wire"
)

// inherited are listening sockets that systemd has opened for this process, by FileDescriptorName: sd_listen_fds(3).
// They stay open while the server restarts, so that who connects meanwhile waits, and is served.
type inherited map[string][]net.Listener

// inherit takes over what systemd has opened. The environment says it once.
func inherit() (inherited, error) {
	all, err := activation.ListenersWithNames()
	if err != nil {
		return nil, fmt.Errorf("sockets of systemd: %w", err)
	}
	return all, nil
}

// listen returns the socket of an endpoint: what systemd has opened by the name of the setting and at its address, or a
// new one.
func (in inherited) listen(ctx context.Context, setting string, e wire.Endpoint) (net.Listener, error) {
	i := slices.IndexFunc(in[setting], func(l net.Listener) bool { return ListensAt(l.Addr(), e) })
	if i < 0 {
		return e.Listen(ctx)
	}
	l := in[setting][i]
	in[setting] = slices.Delete(in[setting], i, i+1)
	return e.Over(l), nil
}

// ListensAt reports whether a socket is that of an endpoint. One without interface takes all addresses, as [::] does.
func ListensAt(a net.Addr, e wire.Endpoint) bool {
	at, ok := a.(*net.TCPAddr)
	if !ok || at.Port != int(e.Port) || e.Device != "" {
		return false
	}
	if e.Interface == "" {
		return at.IP.IsUnspecified()
	}
	want, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(e.Interface, strconv.Itoa(at.Port)))
	return err == nil && want.IP.Equal(at.IP)
}

// rest closes the sockets that nothing has taken, and refuses them: who connected there would wait for ever.
func (in inherited) rest() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(in)) {
		for _, l := range in[name] {
			errs = append(errs, badConfig("systemd has opened %s by the name %q, and no setting has it: "+
				"give the server the same address, or change ListenStream= and FileDescriptorName= (hpfeeds, http, http-redirect)",
				l.Addr(), name), l.Close())
		}
	}
	return errors.Join(errs...)
}
