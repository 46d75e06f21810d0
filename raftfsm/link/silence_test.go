package link

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// freezing is a connection to a machine that stops, or is cut off, without a word: nothing arrives and nothing is refused.
type freezing struct {
	net.Conn
	frozen *atomic.Bool
}

func (f freezing) Read(b []byte) (int, error) {
	for {
		n, err := f.Conn.Read(b)
		if err != nil || !f.frozen.Load() {
			return n, err
		}
	}
}

func (f freezing) Write(b []byte) (int, error) {
	if f.frozen.Load() {
		return len(b), nil
	}
	return f.Conn.Write(b)
}

func TestSilentMemberIsFoundWhileACallWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wire switchboard
		var frozen atomic.Bool
		b := &blocked{}
		r := &roster{addrs: map[string]string{"n1": "n1:1", "n2": "n2:1"}}
		id := bootstrap(t, clusterA, "n1")
		port := func(id *Identity) *Port {
			at, _ := r.Member(id.Node)
			p, err := Open(Config{Identity: id, Listener: wire.listen(at), Advertise: at, Members: r, Handler: b,
				Dial: func(ctx context.Context, addr string) (net.Conn, error) {
					c, err := wire.dial(ctx, addr)
					return freezing{c, &frozen}, err
				}})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		n1, n2 := port(id), port(member(t, id, "n2"))
		defer n1.Close()
		defer n2.Close()
		start := time.Now()
		time.AfterFunc(10*silence, func() { frozen.Store(true) }) // long enough for pings to matter
		_, err := n1.Call(t.Context(), "n2", 1, nil)
		if took := time.Since(start) - 10*silence; !errors.Is(err, ErrUnknownOutcome) || took > silence+pingEvery || took < silence-pingEvery-time.Second {
			t.Errorf("%v after it froze: %v", took, err)
		}
		time.Sleep(silence)
		synctest.Wait()
		if b.begun.Load() != 1 || b.ended.Load() != 1 || len(n2.peers.ids()) != 0 {
			t.Errorf("there: %d begun, %d ended, connections of %v", b.begun.Load(), b.ended.Load(), n2.peers.ids())
		}
	})
}
