package program

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// publishBytes publishes n random messages of size bytes and waits until all are confirmed.
func publishBytes(t *testing.T, p *proc.Server, k load.Key, n, size int) {
	t.Helper()
	c, err := load.Login(t.Context(), p.Address, k)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(wire.AppendSubscribe(nil, k.Ident, subscription.Acks)); err != nil {
		t.Fatal(err)
	}
	go func() {
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		payload := make([]byte, size)
		var buf []byte
		for i := range n {
			for j := range payload {
				payload[j] = byte(rng.Uint32())
			}
			buf = wire.AppendPublish(buf, k.Ident, "c", payload)
			if len(buf) < 32<<10 && i < n-1 {
				continue
			}
			if _, err := c.Write(buf); err != nil {
				return
			}
			buf = buf[:0]
		}
	}()
	for {
		f, err := readFrame(c)
		if err != nil {
			t.Fatal(err)
		}
		if payloadOf(f) == fmt.Sprint(n) {
			return
		}
	}
}

// TestRestartTimeDoesNotGrowWithTheLog restarts a server, stopped and killed, with more and more messages: what a
// start reads are projections and the newest MiB. 20,000 messages by default; HPFRIENDS_RESTART_MESSAGES says how many
// else.
func TestRestartTimeDoesNotGrowWithTheLog(t *testing.T) {
	messages := 20_000
	if s := os.Getenv("HPFRIENDS_RESTART_MESSAGES"); s != "" {
		if _, err := fmt.Sscan(s, &messages); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	p := startTestProcess(t, dir, "--scrub-interval", "0")
	pubs, _, err := load.SetUp(t.Context(), p.API, "c", 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	for part := range 4 {
		publishBytes(t, p, pubs[0], messages/4, 200)
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		p = startTestProcess(t, dir, "--scrub-interval", "0")
		stopped := p.Started
		p.Kill()
		p = startTestProcess(t, dir, "--scrub-interval", "0")
		t.Logf("%d messages: ready after %v, after a kill %v", messages/4*(part+1), stopped, p.Started)
		if limit := 3 * time.Second; stopped > limit || p.Started > limit {
			t.Errorf("%d messages: ready after %v and %v, the limit is %v", messages/4*(part+1), stopped, p.Started, limit)
		}
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
}

// TestStoppingServerTakesNoNewClients: a client that comes while others are sent away must be refused, since one that
// gets an ERROR instead of INFO does not try the next address before it has slept.
func TestStoppingServerTakesNoNewClients(t *testing.T) {
	p := startTestProcess(t, t.TempDir(), "--scrub-interval", "0")
	pubs, _, err := load.SetUp(t.Context(), p.API, "c", 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	stays, err := load.Login(t.Context(), p.Address, pubs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer stays.Close()
	if _, err := stays.Write(wire.AppendSubscribe(nil, pubs[0].Ident, subscription.Acks)); err != nil {
		t.Fatal(err)
	}
	if _, err := readFrame(stays); err != nil { // it is logged in
		t.Fatal(err)
	}
	p.Signal(syscall.SIGTERM)
	if f, err := readFrame(stays); err == nil {
		t.Fatalf("the client that stays got %q", f)
	}
	if c, err := net.Dial("tcp", p.Address); err == nil { // the server waits for the one that stays
		defer c.Close()
		f, err := readFrame(c)
		t.Errorf("a stopping server took a client and sent it %q, %v", f, err)
	}
	stays.Close()
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}
