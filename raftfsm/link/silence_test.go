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

// freezing is a connection to a machine that stops, or is cut off, without a word: nothing arrives, not even its end.
type freezing struct {
	net.Conn
	frozen *atomic.Bool
	ice    net.Conn // nobody writes to it
}

func (f freezing) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if f.frozen.Load() {
		return f.ice.Read(b)
	}
	return n, err
}

// The deadlines of a pipe fail once its other end is closed; those of a cut off machine do not.
func (f freezing) SetReadDeadline(t time.Time) error {
	_ = f.Conn.SetReadDeadline(t)
	return f.ice.SetReadDeadline(t)
}

func (f freezing) SetWriteDeadline(t time.Time) error {
	_ = f.Conn.SetWriteDeadline(t)
	return nil
}

func (f freezing) SetDeadline(t time.Time) error {
	return errors.Join(f.SetReadDeadline(t), f.SetWriteDeadline(t))
}

func (f freezing) Close() error {
	if f.frozen.Load() {
		_ = f.Conn.SetReadDeadline(time.Unix(1, 0)) // who reads here returns; the other side hears nothing
		return f.ice.Close()
	}
	return errors.Join(f.Conn.Close(), f.ice.Close())
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
		r := &memberList{addrs: map[string]string{"n1": "n1:1", "n2": "n2:1"}}
		id := bootstrap(t, clusterA, "n1")
		port := func(id *Identity) *Port {
			at, _ := r.Member(id.Node)
			p, err := Open(Config{Identity: id, Listener: wire.listen(at), Advertise: at, Members: r, Handler: b,
				Dial: func(ctx context.Context, addr string) (net.Conn, error) {
					c, err := wire.dial(ctx, addr)
					ice, _ := net.Pipe()
					return freezing{c, &frozen, ice}, err
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
		if took := time.Since(start) - 10*silence; !errors.Is(err, ErrUnknownOutcome) || took > silence+pingEvery ||
			took < silence-pingEvery-time.Second {
			t.Errorf("%v after it froze: %v", took, err)
		}
		time.Sleep(silence)
		synctest.Wait()
		if b.begun.Load() != 1 || b.ended.Load() != 1 || len(n2.peers.ids()) != 0 {
			t.Errorf("there: %d begun, %d ended, connections of %v", b.begun.Load(), b.ended.Load(), n2.peers.ids())
		}
	})
}
