package wire

import (
	"errors"
	"fmt"
	"net/netip"
)

// Errors of Broker.Secret and Broker.Open. All of them, and any other error, are answered with the same text after the
// same work, so that a peer cannot find out which idents exist. They may be wrapped.
var (
	// ErrUnknownIdent: there is no such authkey.
	ErrUnknownIdent = errors.New("unknown ident")
	// ErrKeyDisabled: the authkey exists but may not be used, now or from this address or on this connection.
	ErrKeyDisabled = errors.New("authkey may not be used")
)

// Reason is why something was refused.
type Reason uint8

const (
	ReasonFirstMessage    Reason = iota + 1 // a frame before AUTH
	ReasonIdent                             // AUTH: unknown ident
	ReasonSecret                            // AUTH: wrong digest
	ReasonDisabled                          // AUTH: the authkey may not be used
	ReasonBackend                           // AUTH: the broker could not tell
	ReasonMismatch                          // PUBLISH: ident is not the authenticated one
	ReasonNoPub                             // PUBLISH: not on this channel
	ReasonNoSub                             // SUBSCRIBE: not to this channel
	ReasonMalformed                         // a length that cannot be
	ReasonTooLarge                          // over the limit of its opcode
	ReasonUnknownType                       // an opcode that does not exist or is not a client's
	ReasonTimeout                           // AUTH or the rest of a frame did not arrive in time
	ReasonTooMany                           // over a limit of connections
	ReasonNoRoom                            // PUBLISH: the broker takes nothing now; the connection is kept
	ReasonBadQuery                          // SUBSCRIBE: not understood, or no such history; the connection is kept
	ReasonDraining                          // the broker sends its clients elsewhere
	ReasonTooManyChannels                   // PUBLISH: one channel too many in a day; the connection is kept
	reasonEnd
)

var reasons = [reasonEnd]struct{ category, log string }{
	ReasonFirstMessage: {"invalid-first-message", "Pre-auth: Need to authenticate first."},
	ReasonIdent:        {"invalid-ident", "Pre-auth: Authkey not found."},
	ReasonSecret:       {"invalid-secret", "Pre-auth: Authkey secret hash incorrect."},
	ReasonDisabled: {"authkey-disabled",
		"Pre-auth: Authkey is disabled, expired, or not allowed from this address or on this connection."},
	ReasonBackend:         {"error-checking-ident", "Pre-auth: Authkey could not be checked."},
	ReasonMismatch:        {"ident-mismatch-pub", "Invalid authkey in message."},
	ReasonNoPub:           {"no-pub-permission", "Authkey not allowed to publish here."},
	ReasonNoSub:           {"no-sub-permission", "Authkey not allowed to subscribe here."},
	ReasonMalformed:       {"malformed-message", "Malformed message."},
	ReasonTooLarge:        {"message-too-large", "Message too large."},
	ReasonUnknownType:     {"unknown-message-type", "Unknown message type."},
	ReasonTimeout:         {"timeout", "Message did not arrive in time."},
	ReasonBadQuery:        {"bad-subscription", "Subscription not understood."},
	ReasonNoRoom:          {"no-room", "Not accepted: the broker has no room to store it."},
	ReasonTooMany:         {"too-many-connections", "Pre-auth: Too many connections."},
	ReasonDraining:        {"draining", "Pre-auth: This node takes no clients now."},
	ReasonTooManyChannels: {"too-many-channels", "Not accepted: too many different channels in a day."},
}

// String is the category in metrics; the first eight that the Python broker knows have its names.
func (r Reason) String() string {
	if r > 0 && r < reasonEnd {
		return reasons[r].category
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// LogMessage is the wording of the Logs page. It never depends on what the peer sent.
func (r Reason) LogMessage() string {
	if r > 0 && r < reasonEnd {
		return reasons[r].log
	}
	return ""
}

// Refused is the error with which a Conn refuses a channel, or a Broker a login. A refused login always ends the
// connection; for a channel Compat decides.
type Refused struct {
	Reason Reason
	Text   string // for the ERROR frame, which adds the channel; empty means Compat's text for Reason
}

func (r *Refused) Error() string {
	if r.Text != "" {
		return r.Reason.String() + ": " + r.Text
	}
	return r.Reason.String()
}

// Refusal is what Broker.Refused is told.
type Refusal struct {
	Reason             Reason
	Ident              string // as the peer wrote it; may be of any bytes
	Channel            string // as the peer wrote it; may be of any bytes
	Session            uint64 // number of it; 0: the connection was turned away before it was one
	Remote             netip.AddrPort
	AuthenticatedIdent string // empty before the first login
	Count              int    // frames that were refused at once, at least 1
	Why                string // in words, where the Reason leaves that open; it may repeat what the peer sent
	Size, Limit        int    // ReasonTooLarge: bytes of the payload if there is a Channel, else of the frame; and at most
}

// loginReason is the Reason of a login that the Broker refused with err.
func loginReason(err error) Reason {
	var r *Refused
	switch {
	case errors.As(err, &r):
		return r.Reason
	case errors.Is(err, ErrUnknownIdent):
		return ReasonIdent
	case errors.Is(err, ErrKeyDisabled):
		return ReasonDisabled
	}
	return ReasonBackend
}
