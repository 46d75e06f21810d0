package siege

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const h2Data, h2Priority, h2Reset, h2Ping, h2Window, h2Continuation = 0, 2, 3, 6, 8, 9

// h2Round is how many streams a round of a flood uses at most.
const h2Round = 1000

// h2Flood returns what is sent from a stream on.
type h2Flood func(s *Siege, stream uint32) []byte

// h2Frames are frames that a connection may send without end.
var h2Frames = []h2Flood{
	h2Same(h2Ping, make([]byte, 8)),
	h2Same(h2Window, []byte{0, 0, 0, 1}),
	h2Same(h2Settings, []byte{0, 3, 0, 0, 0, 100}),
	func(_ *Siege, n uint32) (b []byte) { // priorities of streams that are not there
		for range h2Round {
			b = h2Frame(b, h2Priority, 0, n, []byte{0, 0, 0, 1, 7})
			n += 2
		}
		return b
	},
	func(_ *Siege, n uint32) (b []byte) { // a header without end
		b = h2Frame(b, h2Headers, h2EndStream, n, []byte{0x82, 0x87})
		for range 100 {
			b = h2Frame(b, h2Continuation, 0, n, []byte{0x40, 1, 'x', 1, 'y'})
		}
		return b
	},
}

// h2Same sends a frame of the connection over and over.
func h2Same(kind byte, payload []byte) h2Flood {
	var b []byte
	for range h2Round {
		b = h2Frame(b, kind, 0, 0, payload)
	}
	return func(*Siege, uint32) []byte { return b }
}

// h2Flood sends on each connection one of the floods, over and over, and takes the answers.
func (s *Siege) h2Flood(ctx context.Context, connections int, floods []h2Flood) (sent int64) {
	var all sync.WaitGroup
	var total atomic.Int64
	for i := range connections {
		all.Go(func() {
			for ctx.Err() == nil {
				c, err := s.h2(ctx, i, connections)
				if err != nil {
					continue
				}
				stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })
				go func() { _, _ = io.Copy(io.Discard, c) }()
				_ = c.SetWriteDeadline(time.Now().Add(30 * time.Second))
				for n := uint32(1); err == nil && n < 1<<30; n += 2 * h2Round {
					_, err = c.Write(floods[i%len(floods)](s, n))
					total.Add(1)
				}
				stop()
				_ = c.Close()
			}
		})
	}
	all.Wait()
	return total.Load()
}

// h2Backs asks for a page, and takes that back at once.
func h2Backs(s *Siege, n uint32) (b []byte) {
	for range 200 {
		b = h2Frame(s.h2Get(b, n, "/login"), h2Reset, 0, n, []byte{0, 0, 0, 8})
		n += 2
	}
	return b
}

// h2Logins sends forms of the login.
func h2Logins(s *Siege, n uint32) (b []byte) {
	form := "user=root&password=" + strings.Repeat("x", 12_000)
	const path = "/login"
	for range 20 {
		block := []byte{0x83, 0x87, 0x04, byte(len(path))} // :method POST, :scheme https, :path
		block = append(append(block, path...), 0x01, byte(len(s.HTTP)))
		block = append(append(block, s.HTTP...), 0x0f, 0x10, 33) // content-type
		block = append(block, "application/x-www-form-urlencoded"...)
		b = h2Frame(b, h2Headers, h2EndHeaders, n, block)
		b = h2Frame(b, h2Data, h2EndStream, n, []byte(form))
		n += 2
	}
	return b
}

// Strangers send by HTTP/2, as fast as this machine sends, from 64 addresses: frames that cost them nothing, requests
// that they take back, and logins. Without turns messages take 2 s and more, and an admin's login 6 s and more.
func TestH2Floods(t *testing.T) {
	floods := map[string][]h2Flood{
		"frames": h2Frames, "requests": {h2Backs}, "logins": {h2Logins},
		"all": append([]h2Flood{h2Backs, h2Logins}, h2Frames...),
	}
	for what, each := range floods {
		t.Run(what, func(t *testing.T) {
			if what != "all" && extent(t) < time.Minute {
				t.Skip("bounded: all at once")
			}
			s := Begin(t, Walls{TLS: true})
			s.Attack(func(ctx context.Context) { t.Logf("%d rounds", s.h2Flood(ctx, 64, each)) })
		})
	}
}
