package block

import (
	"encoding/binary"
	"net/netip"

	"hpfriends/eventlog/entry"
)

// publisher is a connection as messages show it.
type publisher struct {
	authkey uint64
	ident   string
	remote  netip.Addr
}

// publisherOf reads the ident from the run's first frame.
func publisherOf(r *entry.Run) publisher {
	p := publisher{authkey: r.Authkey, remote: r.Remote}
	if len(r.Frames) > 5 {
		if n := int(r.Frames[5]); len(r.Frames) >= 6+n {
			p.ident = string(r.Frames[6 : 6+n])
		}
	}
	return p
}

// opPublish is the opcode of a PUBLISH frame: u32 length of all, opcode, length of the ident u8, ident, length of the
// channel u8, channel, payload.
const opPublish = 3

// appendHead appends what all frames of a run have behind their length.
func (p *publisher) appendHead(dst []byte, channel string) []byte {
	dst = append(append(dst, opPublish, byte(len(p.ident))), p.ident...)
	return append(append(dst, byte(len(channel))), channel...)
}

// headSize is how long that is.
func (p *publisher) headSize(channel string) int { return 3 + len(p.ident) + len(channel) }

func headOf(r *entry.Run) []byte {
	p := publisherOf(r)
	return p.appendHead(nil, r.Channel)
}

func (p *publisher) append(out []byte) []byte {
	out = binary.AppendUvarint(out, p.authkey)
	out = append(append(out, byte(len(p.ident))), p.ident...)
	address := p.remote.AsSlice()
	return append(append(out, byte(len(address))), address...)
}

func (c *columns) publisher() publisher {
	p := publisher{authkey: c.Uvarint(), ident: string(c.short())}
	if b := c.short(); len(b) > 0 {
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			c.Fail("address of %d bytes", len(b))
		}
		p.remote = a
	}
	return p
}

// short reads bytes behind their length of one byte.
func (c *columns) short() []byte {
	n := c.Bytes(1)
	if c.Err != nil {
		return nil
	}
	return c.Bytes(uint64(n[0]))
}
