package web

import (
	"errors"
	"io"

	"hpfriends/internal/crowd"
)

// Bounds of bodies that are under way, of all requests on TCP. A body is read into memory, whoever sends it, and its
// sender decides when it ends.
const (
	smallBody   = 16 << 10 // bytes; a form is smaller, but for a few
	maxBodies   = 4096     // that have begun and not ended
	maxLarge    = 64       // of more than smallBody, until they are answered
	maxReceived = 64 << 10 // bytes of a connection with HTTP/2 that no handler has read
)

// bodies has seats for bodies that are under way. Who is ended finds that the context is, too: one who waits with a
// large body in memory makes room as well as one who is still sending.
type bodies struct{ begun, large *crowd.Crowd }

func newBodies() bodies { return bodies{crowd.New(maxBodies, 0), crowd.New(maxLarge, 0)} }

// errBodies is why a body was ended.
var errBodies = errors.New("web: too many requests are being sent: try again later")

// body is the body of one request.
type body struct {
	io.ReadCloser
	bodies bodies
	seat   func(*crowd.Crowd) *crowd.Seat

	read         int
	begun, large *crowd.Seat
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.begun == nil {
		b.begun = b.seat(b.bodies.begun)
	}
	if b.read < smallBody {
		p = p[:min(len(p), smallBody-b.read)]
	} else if b.large == nil {
		b.large = b.seat(b.bodies.large)
	}
	n, err := b.ReadCloser.Read(p)
	if b.read += n; err != nil {
		b.begun.Leave()
	}
	return n, err
}

// leave gives the seats back.
func (b *body) leave() {
	for _, s := range []*crowd.Seat{b.begun, b.large} {
		if s != nil {
			s.Leave()
		}
	}
}
