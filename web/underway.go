package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"hpfriends/api"
	"hpfriends/internal/crowd"
	"hpfriends/internal/handshakes"
	"hpfriends/web/ration"
	"hpfriends/web/who"
)

// maxRequests bounds the requests on TCP that are being answered. Each holds its answer until its sender has taken it,
// or for writeTimeout, and a connection with HTTP/2 has maxStreams of them.
const maxRequests = 2048

// errRequests is why an answer was ended.
var errRequests = errors.New("web: too many requests are being answered: try again later")

// underway has seats for what is under way: when there are none, the oldest of the address with the most is ended.
type underway struct {
	requests *crowd.Crowd
	bodies   bodies
	gate     *handshakes.Gate // of strangers; nil: nothing bounds their work
}

func newUnderway(g *handshakes.Gate) *underway {
	return &underway{crowd.New(maxRequests, 0), newBodies(), g}
}

// bound lets next answer requests while there are seats for them, but for those of the operator.
func (u *underway) bound(next http.Handler, a *who.Authenticator) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, ok := a.Address(r)
		if !ok { // of the local socket: the operator's
			ctx, end := ration.Begin(r.Context(), func() {})
			defer end()
			next.ServeHTTP(w, r.WithContext(ctx))
			return
		}
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		to := &control{ResponseController: http.NewResponseController(w)}
		defer to.leave()
		seat := u.requests.Enter(from, func() {
			cancel(errRequests)
			go to.stop(true)
		})
		defer seat.Leave()
		if a.Proves(r) {
			u.gate.Know(from)
			if p, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && a.Trusts(p.Addr().Unmap()) {
				u.gate.Know(p.Addr()) // a proxy, whose connections others share
			}
		} else {
			in, over, err := u.gate.Turn(ctx, from)
			if err != nil {
				api.NewProblem(http.StatusServiceUnavailable, api.Unavailable, "too many requests wait for an answer",
					"try again later").Write(w)
				return
			}
			defer over()
			ctx = in
		}
		ctx, end := ration.Begin(ctx, seat.Leave)
		defer end()
		r = r.WithContext(ctx)
		if r.Body != nil && r.Body != http.NoBody {
			mine := &body{ReadCloser: r.Body, bodies: u.bodies, seat: func(c *crowd.Crowd) *crowd.Seat {
				return c.Enter(from, func() {
					cancel(errBodies)
					go to.stop(false)
				})
			}}
			defer mine.leave()
			r.Body = mine
		}
		next.ServeHTTP(w, r)
	})
}

// control ends the reading and writing of a request from outside of its handler. net/http takes what it works on away
// when the handler returns, and would end the process then.
type control struct {
	*http.ResponseController

	mu   sync.Mutex
	over bool
}

// stop ends reading, and writing if it is to. It may wait for a write.
func (c *control) stop(writing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	_ = c.SetReadDeadline(time.Now())
	if writing {
		_ = c.SetWriteDeadline(time.Now())
	}
}

// leave says that the handler returns, once nobody is in stop.
func (c *control) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}
