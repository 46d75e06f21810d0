package program

import (
	"context"
	"strings"
	"testing"

	"hpfriends/wire"
)

// A refused login is a line of the server's own log at level debug, and a row of Logs.
func TestRefusedLoginIsSeen(t *testing.T) {
	p, m := realBroker(t, "--log-level", "debug")
	ctx, interrupt := context.WithCancel(t.Context())
	var out, msg screen
	over := make(chan int, 1)
	go func() { over <- run(ctx, []string{"hpfriends", "log", "tail", "--data-dir", m.dir}, &out, &msg) }()
	c, err := wire.Dial(ctx, wire.DialConfig{Addr: p.Address, Ident: "k", Secret: []byte("wr0ng")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out.await(t, "Pre-auth: Authkey secret hash incorrect.")
	interrupt()
	if <-over; msg.String() != "" {
		t.Errorf("log tail says %q", msg.String())
	}
	said := p.Said()
	for _, part := range []string{`"level":"DEBUG"`, `"reason":"invalid-secret"`, `"ident":"k"`, `"remote":"127.0.0.1:`} {
		if !strings.Contains(said, part) {
			t.Errorf("the server does not say %s: %s", part, said)
		}
	}
	if strings.Contains(said, "wr0ng") || strings.Contains(said, "s3cret-k7") {
		t.Errorf("the server's log has a secret: %s", said)
	}
}
