// Package wire speaks hpfeeds: frames, their limits, the broker's side of a connection, and a client.
//
// It knows nothing of users, shares or logs. A Server asks a Broker for secrets and rights, and hands it what was
// published; a Broker sends through the Session. Real clients and brokers differ from the only written specification
// (hpfeeds.org's protocol page), and how they behave decided most of what is here; compat.go has the two behaviours
// towards a refused peer.
//
// # The one invariant
//
// What reaches a Conn is well-formed and authentic: whole frames of one channel, each within the limits, each with the
// ident that this connection has authenticated. Nothing is kept for a frame before its header was checked, nothing is
// handled after a refusal that ends the connection, and no bytes that a peer can send make it panic.
//
// # Goroutines
//
// Each connection has one, the reader: it reads, cuts, checks, and calls the Conn, which holds the peer back by not
// returning. Nobody else calls the Conn. Session.Send, Close and the accessors are for any goroutine. Send writes on
// the caller's goroutine. ERROR frames on a connection that goes on are written by a goroutine that lives that long
// only, because a publisher may never read. Server.Shutdown waits for all of them.
//
// # Cost
//
// A quiet connection is a goroutine and a buffer of 512 bytes. A busy one reads up to 64 KiB at a time and passes runs
// of frames on as slices of what it read: no copy and no allocation for each frame.
//
// A frame that has begun may take as long as its line needs while 1 KiB comes for each second (Config.FrameTimeout); a
// peer that only trickles is refused.
//
// # Where things are
//
//	frame.go, encode.go   format and limits             session.go  a connection: begin, end
//	config.go             what a Server is told         reader.go   from the peer: cut, check, refuse
//	broker.go             what a Server asks            login.go    AUTH
//	refusal.go, compat.go reasons, texts, what closes   writer.go   to the peer
//	server.go, drain.go   listeners, shutdown           dial.go     one client connection
//	connlimit.go          too many connections          client.go   a client that reconnects
//	throttle.go           too many failed logins        endpoint.go, tls.go  where to listen
//	readbuffer.go         what has arrived              transport.go  acknowledged bytes, and how the peer ended
package wire
