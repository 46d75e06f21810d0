package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"hpfriends/internal/datadir"
	"hpfriends/wire"
)

// listener is a socket and what serves it.
type listener struct {
	net.Listener
	serve func(context.Context) error
}

// Listener is where a setting has a server listen.
type Listener struct {
	Setting  string // the flag's name
	Endpoint wire.Endpoint
}

// Listeners are all of them, of settings that are valid.
func (s Config) Listeners() (all []Listener) {
	for _, text := range s.Hpfeeds {
		if e, err := wire.ParseEndpoint(text); err == nil {
			all = append(all, Listener{"hpfeeds", e})
		}
	}
	if e, err := s.httpEndpoint(); err == nil && s.HTTP != "" {
		all = append(all, Listener{"http", e})
	}
	for setting, address := range map[string]string{"http-redirect": s.TLS.Redirect, "cluster": s.Cluster} {
		host, port, err := net.SplitHostPort(address)
		if n, e := net.LookupPort("tcp", port); err == nil && e == nil {
			all = append(all, Listener{setting, wire.Endpoint{Interface: host, Port: uint16(n)}})
		}
	}
	return all
}

// bind opens all listeners, or takes them over from systemd, so that a port in use is an error before anything is
// served.
func (s *Server) bind(ctx context.Context) (all []listener, a datadir.Addresses, err error) {
	defer func() {
		if err != nil {
			for _, l := range all {
				_ = l.Close()
			}
		}
	}()
	from, err := inherit()
	if err != nil {
		return nil, a, err
	}
	a.PID, a.Cluster = os.Getpid(), s.node.Members().Advertised()
	for _, text := range s.Hpfeeds {
		e, err := wire.ParseEndpoint(text)
		if err != nil {
			return all, a, err
		}
		if _, err := s.openTLS(e); err != nil {
			return all, a, err
		}
		l, err := from.listen(ctx, "hpfeeds", e)
		if err != nil {
			return all, a, fmt.Errorf("hpfeeds endpoint %s: %w", text, err)
		}
		all = append(all, listener{l, func(ctx context.Context) error { return s.wire.Serve(ctx, l, e) }})
		a.Hpfeeds = append(a.Hpfeeds, l.Addr().String())
	}
	if s.HTTP != "" {
		pages, err := s.bindHTTP(ctx, from, &a)
		all = append(all, pages...)
		if err != nil {
			return all, a, err
		}
	}
	if err := from.rest(); err != nil {
		return all, a, err
	}
	l, err := listenSocket(filepath.Join(s.DataDir, datadir.Socket))
	if err != nil {
		return all, a, err
	}
	all = append(all, listener{l, func(context.Context) error { return s.web.ServeSocket(l) }})
	a.Socket = l.Addr().String()
	return all, a, nil
}

// bindHTTP opens the listener of the API and the pages, and the one that leads there.
func (s *Server) bindHTTP(ctx context.Context, from inherited, a *datadir.Addresses) (all []listener, err error) {
	e, err := s.httpEndpoint()
	if err != nil {
		return nil, err
	}
	tc, err := s.openTLS(e)
	if err != nil {
		return nil, err
	}
	l, err := from.listen(ctx, "http", e)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	all = append(all, listener{l, func(context.Context) error { return s.web.ServeTLS(l, tc) }})
	automatic := ""
	if s.automatic(e) {
		automatic = s.acme.Host()
	}
	a.HTTP, a.URL = l.Addr().String(), pagesURL(l.Addr(), tc, automatic)
	if s.TLS.Redirect == "" {
		return all, nil
	}
	host, service, err := net.SplitHostPort(s.TLS.Redirect)
	if err != nil {
		return all, fmt.Errorf("http-redirect: %w", err)
	}
	number, err := net.LookupPort("tcp", service)
	if err != nil {
		return all, fmt.Errorf("http-redirect: %w", err)
	}
	plain, err := from.listen(ctx, "http-redirect", wire.Endpoint{Interface: host, Port: uint16(number)})
	if err != nil {
		return all, fmt.Errorf("http-redirect: %w", err)
	}
	a.Redirect = plain.Addr().String()
	_, port, err := net.SplitHostPort(a.HTTP)
	return append(all, listener{plain, func(context.Context) error { return s.web.ServeRedirect(plain, port) }}), err
}

// listenSocket opens the local socket, for its owner only. One that a crash has left is replaced: the log's lock, which
// is held by now, says that no other server uses this directory.
func listenSocket(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf(
			"local socket: %w (a path of more than about 100 bytes is too long: choose a shorter --data-dir)", err,
		)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// closeListeners ends hpfeeds and HTTP, in that order, each within drainTimeout. Clients get a moment to notice.
func (s *Server) closeListeners() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	s.wire.StopAccepting()
	_ = s.wire.Drain(ctx, goodbye)
	err := s.wire.Shutdown(ctx)
	datadir.RemoveAddresses(s.DataDir) // not before: when the disk hangs, this does
	ctx, cancel = context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	return errors.Join(err, s.web.Shutdown(ctx))
}
