package main

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"hpfriends/wire"
)

// echoBroker gives every message to all its subscribers, without rights but for one channel.
type echoBroker struct {
	addr, host, port string
	server           *wire.Server

	mu         sync.Mutex
	conns      map[*echoConn]bool
	subscribed chan string // channels, as they are subscribed to
}

type echoConn struct {
	broker   *echoBroker
	session  *wire.Session
	channels []string
}

const closedChannel = "forbidden"

func startEchoBroker(t *testing.T) *echoBroker { return startEchoBrokerAt(t, wire.Endpoint{}) }

func startEchoBrokerAt(t *testing.T, e wire.Endpoint) *echoBroker {
	t.Helper()
	b := &echoBroker{conns: make(map[*echoConn]bool), subscribed: make(chan string, 100)}
	var err error
	if b.server, err = wire.NewServer(wire.Config{Name: "echo"}, b); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	b.host, b.port, _ = net.SplitHostPort(b.addr)
	served := make(chan error, 1)
	go func() { served <- b.server.Serve(t.Context(), l, e) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = b.server.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *echoBroker) Secret(ident string, _ netip.Addr) ([]byte, error) {
	return []byte("secret of " + ident), nil
}

func (b *echoBroker) Open(s *wire.Session, _ string, _ wire.Conn) (wire.Conn, error) {
	c := &echoConn{broker: b, session: s}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns[c] = true
	return c, nil
}

func (b *echoBroker) Refused(wire.Refusal) {}

func (c *echoConn) Publish(channel string, frames []byte, _ int) error {
	if channel == closedChannel {
		return &wire.Refused{Reason: wire.ReasonNoPub}
	}
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	for to := range c.broker.conns {
		if slices.Contains(to.channels, channel) {
			_ = to.session.Send(net.Buffers{bytes.Clone(frames)})
		}
	}
	return nil
}

func (c *echoConn) Subscribe(channel string) error {
	if channel == closedChannel {
		return &wire.Refused{Reason: wire.ReasonNoSub}
	}
	c.broker.mu.Lock()
	c.channels = append(c.channels, channel)
	c.broker.mu.Unlock()
	c.broker.subscribed <- channel
	return nil
}

func (c *echoConn) Unsubscribe(string) {}

func (c *echoConn) Close() {
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	delete(c.broker.conns, c)
}

func (b *echoBroker) awaitSubscription(t *testing.T) {
	t.Helper()
	select {
	case <-b.subscribed:
	case <-time.After(5 * time.Second):
		t.Fatal("nobody subscribes")
	}
}
