package link

import (
	"net"
	"time"
)

const (
	// writeChunk is how much must pass within one stall: at 256 KiB in 5 s, a link of 0.5 Mbit/s is still a link.
	writeChunk = 256 << 10
	// deadlineGrain is how exact deadlines are: setting one for each 16 KiB record would cost more than it gives.
	deadlineGrain = 250 * time.Millisecond
)

// progress bounds how long a connection may stand still, instead of how long a message may take: over a slow link a
// large message is still on its way, over a dead one a small message fails soon.
type progress struct {
	net.Conn
	stall time.Duration

	readSet, writeSet time.Time // when the deadlines were set last; each is used by one goroutine
}

// readWithin lets the next Read wait for one stall.
func (p *progress) readWithin() error {
	now := time.Now()
	if now.Sub(p.readSet) < deadlineGrain {
		return nil
	}
	p.readSet = now
	return p.Conn.SetReadDeadline(now.Add(p.stall + deadlineGrain))
}

// Read fails when nothing arrives for one stall.
func (p *progress) Read(b []byte) (int, error) {
	if err := p.readWithin(); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// Write fails when a chunk does not pass within one stall.
func (p *progress) Write(b []byte) (n int, err error) {
	for {
		if now := time.Now(); now.Sub(p.writeSet) >= deadlineGrain {
			p.writeSet = now
			if err := p.Conn.SetWriteDeadline(now.Add(p.stall + deadlineGrain)); err != nil {
				return n, err
			}
		}
		m, err := p.Conn.Write(b[:min(len(b), writeChunk)])
		n += m
		if b = b[m:]; err != nil || len(b) == 0 {
			return n, err
		}
	}
}
