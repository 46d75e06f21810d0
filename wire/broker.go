package wire

import "net/netip"

// Broker is what a Server asks. Its methods are called from many goroutines at once.
type Broker interface {
	// Secret returns the shared secret of ident for a login from addr. Any error refuses the login.
	Secret(ident string, addr netip.Addr) ([]byte, error)
	// OldSecret returns the secret that ident had before, if it is still good beside the other; nil if it is not.
	OldSecret(ident string) []byte
	// Open is called when AUTH succeeded, and returns the broker's side of the connection. previous is the Conn of an
	// earlier AUTH on the same connection, or nil; it is still open, and is closed after Open has returned a new one.
	// Any error refuses the login and ends the connection.
	Open(s *Session, ident string, previous Conn) (Conn, error)
	// Refused is told of every refusal. It must not block.
	Refused(r Refusal)
}

// Conn is the broker's side of one authenticated connection. Its methods are called from the session's reader goroutine
// only, never two at once.
//
// Publish and Subscribe refuse with a *Refused. Any other error ends the connection as Session.Close does: its text is
// sent to the peer.
type Conn interface {
	// Publish takes a run: n complete, contiguous PUBLISH frames of one channel with the authenticated ident. frames is
	// valid during the call only. It may block to hold the peer back, until the session's Context is done.
	Publish(channel string, frames []byte, n int) error
	// Subscribe takes what the peer asked for: never empty, of any bytes, up to MaxSubscribeLen long.
	Subscribe(channel string) error
	// Unsubscribe has no answer; the channel may be one that was never subscribed.
	Unsubscribe(channel string)
	// Close is called exactly once: when the connection ends, or when another Conn has replaced this one.
	Close()
}
