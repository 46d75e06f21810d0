package wire

import (
	"bytes"
	"runtime"
	"testing"
	"time"
)

// Defects that were measured in other brokers: each takes one of them down, or hangs it.

// hostile is sent before AUTH, or after it: nobody else may notice.
var hostile = map[string][]byte{
	"five bytes that hang a broker":       {0, 0, 0, 0, 3},
	"six bytes that panic another":        {0, 0, 0, 0, 2, 0},
	"AUTH whose ident overruns":           {0, 0, 0, 6, 2, 255},
	"AUTH of 255 that overruns":           append(header(281, OpAuth, 255), make([]byte, 275)...),
	"length 4, where length-4 is 0":       {0, 0, 0, 4, 3},
	"length 3, where length-4 underflows": {0, 0, 0, 3, 3},
	"negative length":                     {0xff, 0xff, 0xff, 0xff, 2},
	"empty SUBSCRIBE":                     {0, 0, 0, 5, 4},
	"opcode 255":                          {0, 0, 0, 5, 255},
	"INFO of 4 GiB":                       {0xff, 0xff, 0xff, 0xff, 1},
	"zeroes":                              make([]byte, 4096),
	"ones":                                bytes.Repeat([]byte{0xff}, 4096),
}

func TestHostileBytesHarmNobodyElse(t *testing.T) {
	f := start(t, Config{})
	good := f.login("bob")
	good.wantOpen()
	for what, b := range hostile {
		for _, anonymous := range []bool{true, false} {
			p := f.dial()
			if !anonymous {
				p.send(p.auth("alice"))
			}
			p.send(b)
			_ = p.SetReadDeadline(time.Now().Add(5 * time.Second))
			frame, err := p.read()
			if err != nil {
				t.Errorf("%s, before AUTH %t: closed without a word: %v", what, anonymous, err)
			} else if _, err := ParseError(frame); err != nil {
				t.Errorf("%s, before AUTH %t: got %q", what, anonymous, frame)
			}
			p.wantClosed()
		}
	}
	good.wantOpen()
	for _, m := range f.hub.messages() {
		if m.Channel != "ping" {
			t.Errorf("published %+v", m)
		}
	}
}

// TestDoubleSubscribeAndDisconnectPoisonsNothing: in the Python broker it disconnects every later publisher.
func TestDoubleSubscribeAndDisconnectPoisonsNothing(t *testing.T) {
	f := start(t, Config{})
	p := f.login("alice")
	p.send(AppendSubscribe(nil, "alice", "c"), AppendSubscribe(nil, "alice", "c"))
	p.wantOpen()
	p.Close()
	f.eventually("it is gone", func() bool { return f.server.Sessions() == 0 })
	q := f.login("bob")
	q.send(q.publish("c", "x"))
	q.wantOpen()
}

// TestAnnouncedLengthTakesNoMemory: a hundred peers announce 10 MiB each and send little of it.
func TestAnnouncedLengthTakesNoMemory(t *testing.T) {
	f := start(t, Config{})
	const peers = 100
	before := heap()
	for range peers {
		p := f.login("alice")
		p.send(header(10<<20, OpPublish, 5), []byte("alice"), make([]byte, 1000))
	}
	f.eventually("all has arrived", func() bool {
		n := 0
		for _, c := range f.hub.conns() {
			if c.session.BytesIn() > 1000 {
				n++
			}
		}
		return n == peers
	})
	if grown := heap() - before; grown > peers*64<<10 {
		t.Errorf("%d KiB for each of %d announced frames of 10 MiB, of which 1 KiB came", grown>>10/peers, peers)
	}
	if f.server.Sessions() != peers {
		t.Errorf("%d sessions, want %d", f.server.Sessions(), peers)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
