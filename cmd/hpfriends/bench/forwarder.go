package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/wire"
)

// A forwarder is what latency is held against: the same protocol by the same package, but nothing is stored, and nobody
// is asked who may see what. It is a process of its own.

// forwarderCommand serves until its standard input ends.
func forwarderCommand() *cli.Command {
	return &cli.Command{
		Name: "forwarder", Hidden: true, Usage: "forward from memory, to compare with",
		Action: func(c *cli.Context) error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			s, err := wire.NewServer(wire.Config{Name: "forwarder"}, &forwarder{to: make(map[*wire.Session]bool)})
			if err != nil {
				return err
			}
			ctx, cancel := context.WithCancel(c.Context)
			defer cancel()
			go func() {
				_, _ = io.Copy(io.Discard, os.Stdin)
				cancel()
			}()
			fmt.Fprintln(c.App.Writer, l.Addr())
			return s.Serve(ctx, l, wire.Endpoint{})
		},
	}
}

// besideForwarder sets users up, and runs a measurement of a server and of a forwarder.
func (b *bench) besideForwarder(ctx context.Context, publishers, subscribers int,
	run func(pubs, subs []load.Key, forwarder *proc.Server) ([]figure, error),
) (figures []figure, err error) {
	pubs, subs, err := load.SetUp(ctx, b.API, load.Channel, publishers, subscribers)
	if err != nil {
		return nil, err
	}
	forwarder, end, err := startForwarder(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	return run(pubs, subs, forwarder)
}

// startForwarder starts one, and returns how to end it.
func startForwarder(ctx context.Context) (_ *proc.Server, end func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self, "bench", "forwarder")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	end = func() error { return errors.Join(in.Close(), cmd.Wait()) }
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return &proc.Server{Address: strings.TrimSpace(address)}, end, nil
}

// forwarder is a broker for one channel and whoever knows load's secrets.
type forwarder struct {
	mu sync.Mutex
	to map[*wire.Session]bool
}

func (*forwarder) Secret(ident string, _ netip.Addr) ([]byte, error) {
	return []byte(load.KeyOf(strings.TrimSuffix(ident, "-key")).Secret), nil
}

func (*forwarder) OldSecret(string) []byte { return nil }

func (*forwarder) Refused(wire.Refusal) {}

func (f *forwarder) Open(s *wire.Session, _ string, _ wire.Conn) (wire.Conn, error) {
	return &forwarded{f, s}, nil
}

// forwarded is one connection.
type forwarded struct {
	*forwarder
	session *wire.Session
}

func (c *forwarded) Publish(_ string, frames []byte, _ int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.to {
		if err := s.Send(net.Buffers{frames}); err != nil {
			delete(c.to, s)
		}
	}
	return nil
}

func (c *forwarded) Subscribe(string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.to[c.session] = true
	return nil
}

func (c *forwarded) Unsubscribe(string) { c.Close() }

func (c *forwarded) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.to, c.session)
}
