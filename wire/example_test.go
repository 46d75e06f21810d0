package wire_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/netip"
	"sync"

	"hpfriends/wire"
)

// exampleBroker is a Broker for one authkey, which gives everything that is published to every subscriber of the
// channel.
type exampleBroker struct {
	mu          sync.Mutex
	subscribers map[string][]*wire.Session
}

func (*exampleBroker) OldSecret(string) []byte { return nil }

func (b *exampleBroker) Secret(ident string, _ netip.Addr) ([]byte, error) {
	if ident != "sensor" {
		return nil, wire.ErrUnknownIdent
	}
	return []byte("secret"), nil
}

func (b *exampleBroker) Open(s *wire.Session, _ string, _ wire.Conn) (wire.Conn, error) {
	return &exampleConn{broker: b, session: s}, nil
}

func (b *exampleBroker) Refused(r wire.Refusal) { log.Print("refused: ", r.Reason) }

// exampleConn is the broker's side of one connection.
type exampleConn struct {
	broker  *exampleBroker
	session *wire.Session
}

func (c *exampleConn) Publish(channel string, frames []byte, _ int) error {
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	for _, s := range c.broker.subscribers[channel] {
		_ = s.Send(net.Buffers{frames}) // a session that cannot be sent to ends by itself
	}
	return nil
}

func (c *exampleConn) Subscribe(channel string) error {
	if channel != "dionaea.capture" {
		return &wire.Refused{Reason: wire.ReasonNoSub}
	}
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	c.broker.subscribers[channel] = append(c.broker.subscribers[channel], c.session)
	return nil
}

func (c *exampleConn) Unsubscribe(string) {}

func (c *exampleConn) Close() {}

// A server with a broker of a few lines, and a client that receives what it publishes.
func Example() {
	server, err := wire.NewServer(wire.Config{}, &exampleBroker{subscribers: make(map[string][]*wire.Session)})
	if err != nil {
		log.Fatal(err)
	}
	endpoint := wire.Endpoint{Interface: "127.0.0.1"}
	listener, err := endpoint.Listen(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(context.Background(), listener, endpoint); err != nil {
			log.Print(err)
		}
	})

	ctx, cancel := context.WithCancel(context.Background())
	client, err := wire.NewClient(wire.ClientConfig{
		DialConfig: wire.DialConfig{Addr: listener.Addr().String(), Ident: "sensor", Secret: []byte("secret")},
		Connected:  func(broker string) { fmt.Println("connected to", broker) },
		Failed:     func(err error) { log.Print(err) }, // a refused SUBSCRIBE arrives here too
		Receive: func(m wire.Message) {
			fmt.Printf("%s on %s: %s\n", m.Ident, m.Channel, m.Payload)
			cancel()
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := client.Subscribe(ctx, "dionaea.capture"); err != nil {
		log.Fatal(err)
	}
	serving.Go(func() {
		if err := client.Publish(ctx, "dionaea.capture", []byte(`{"md5":"…"}`)); err != nil {
			log.Print(err)
		}
	})
	if err := client.Run(ctx); err != nil { // until cancel
		log.Fatal(err)
	}
	if err := server.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
	serving.Wait()
	// Output:
	// connected to hpfriends
	// sensor on dionaea.capture: {"md5":"…"}
}
