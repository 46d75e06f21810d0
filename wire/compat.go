package wire

import "fmt"

// Compat says whose texts a refusal carries, and whether the connection survives it. Both behaviours are legal: "the
// error may not be fatal and a client can stay connected".
type Compat uint8

const (
	// Lineage answers as the broker behind the original hpfriends did, and keeps the connection when a channel is
	// refused: a sensor with five channels and one missing permission goes on delivering the other four.
	Lineage Compat = iota
	// Reference answers as the Python broker does, and closes at every refusal.
	Reference
)

// ParseCompat takes what String returns.
func ParseCompat(s string) (Compat, error) {
	for _, c := range []Compat{Lineage, Reference} {
		if s == c.String() {
			return c, nil
		}
	}
	return 0, fmt.Errorf("wire: compat %q: want %s or %s", s, Lineage, Reference)
}

func (c Compat) String() string {
	switch c {
	case Lineage:
		return "lineage"
	case Reference:
		return "reference"
	}
	return fmt.Sprintf("Compat(%d)", uint8(c))
}

// answer returns what a refused peer is told, and whether its connection ends. An empty text means that no ERROR is
// sent; the text may repeat what the peer sent, of any bytes.
func (c Compat) answer(r *Refusal) (text string, fatal bool) {
	if c == Reference {
		return referenceText(r), !extension(r.Reason)
	}
	return lineageText(r.Reason) + about(r), r.Reason != ReasonNoPub && r.Reason != ReasonNoSub && !extension(r.Reason)
}

// extension reports whether r refuses something that other brokers do not offer: the connection survives it.
func extension(r Reason) bool {
	return r == ReasonNoRoom || r == ReasonBadQuery || r == ReasonTooManyChannels
}

func lineageText(r Reason) string {
	switch r {
	case ReasonFirstMessage:
		return "First message was not AUTH."
	case ReasonIdent, ReasonSecret, ReasonDisabled, ReasonBackend:
		return "Authentication failed."
	case ReasonMismatch:
		return "Invalid authkey in message."
	case ReasonNoPub:
		return "Authkey not allowed to publish here."
	case ReasonNoSub:
		return "Authkey not allowed to subscribe here."
	case ReasonUnknownType:
		return "Unknown message type."
	default:
		return defaultText(r)
	}
}

func referenceText(r *Refusal) string {
	switch r.Reason {
	case ReasonFirstMessage:
		return "First message was not AUTH"
	case ReasonIdent, ReasonSecret, ReasonDisabled, ReasonBackend:
		return "Authentication failed for " + r.Ident
	case ReasonMismatch:
		return "Invalid authkey in message, ident=" + r.Ident
	case ReasonNoPub:
		return fmt.Sprintf("Authkey not allowed to pub here. ident=%s, chan=%s", r.Ident, r.Channel)
	case ReasonNoSub:
		return fmt.Sprintf("Authkey not allowed to sub here. ident=%s, chan=%s", r.Ident, r.Channel)
	case ReasonUnknownType, ReasonMalformed, ReasonTooLarge:
		return "" // it closes without a word
	default:
		return defaultText(r.Reason) + about(r)
	}
}

// about names what is refused, behind the text that people and programs know, in the Python broker's form: a client
// with twenty channels has to know which one it was. No known client compares a whole text; a second ERROR would end
// those that stop at one.
func about(r *Refusal) string {
	switch {
	case r.Limit > 0 && r.Channel == "":
		return fmt.Sprintf(" size=%d, limit=%d", r.Size, r.Limit)
	case r.Limit > 0:
		return fmt.Sprintf(" size=%d, limit=%d, chan=%s", r.Size, r.Limit, r.Channel)
	case r.Reason == ReasonMismatch:
		return fmt.Sprintf(" ident=%s, chan=%s", r.Ident, r.Channel)
	case r.Channel != "" || r.Reason == ReasonNoPub || r.Reason == ReasonNoSub:
		return " chan=" + r.Channel
	}
	return ""
}

// defaultText serves where other brokers close without a word, or do not refuse at all.
func defaultText(r Reason) string {
	switch r {
	case ReasonTooLarge:
		return "Message too large."
	case ReasonTimeout:
		return "Timed out."
	case ReasonNoRoom:
		return "Not accepted: the broker has no room to store it."
	case ReasonBadQuery:
		return "Subscription not understood."
	case ReasonTooManyChannels:
		return "Not accepted: too many different channels in a day."
	case ReasonTooMany:
		return "Too many connections, try again later."
	default:
		return "Malformed message."
	}
}
