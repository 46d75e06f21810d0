// Package codec is how a stored graph writes numbers, text and times: varints, strings with their length before them,
// and a time as 0 for none or 1, seconds and nanoseconds.
//
// The whole stands between a word and a version, and a checksum: Seal and Open.
//
// # Invariant
//
// What a Decoder reads is what an Encoder wrote, or it has an error. Bytes that lie about a length cost no memory.
//
// # Concurrency
//
// An Encoder or a Decoder belongs to one goroutine.
package codec

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/netip"
	"time"
)

// Encoder appends to Bytes.
type Encoder struct{ Bytes []byte }

// Uint appends a number.
func (e *Encoder) Uint(v uint64) { e.Bytes = binary.AppendUvarint(e.Bytes, v) }

// String appends text.
func (e *Encoder) String(s string) {
	e.Uint(uint64(len(s)))
	e.Bytes = append(e.Bytes, s...)
}

// Bool appends 1 or 0.
func (e *Encoder) Bool(b bool) {
	if b {
		e.Bytes = append(e.Bytes, 1)
	} else {
		e.Bytes = append(e.Bytes, 0)
	}
}

// Time appends a time.
func (e *Encoder) Time(t time.Time) {
	e.Bool(!t.IsZero())
	if !t.IsZero() {
		e.Bytes = binary.AppendVarint(e.Bytes, t.Unix())
		e.Uint(uint64(t.Nanosecond()))
	}
}

// Networks appends a list of networks.
func (e *Encoder) Networks(list []netip.Prefix) {
	e.Uint(uint64(len(list)))
	for _, n := range list {
		e.String(string(n.Addr().AsSlice()))
		e.Uint(uint64(n.Bits()))
	}
}

// Decoder reads Data. It reads on after an error, but only zeros: callers check Err where it matters.
type Decoder struct {
	Data    []byte
	Err     error
	Damaged error // what errors wrap
}

// Fail notes the first error.
func (d *Decoder) Fail(format string, args ...any) {
	if d.Err == nil {
		d.Err = fmt.Errorf("%w: %s", d.Damaged, fmt.Sprintf(format, args...))
	}
	d.Data = nil
}

// Uint reads a number.
func (d *Decoder) Uint() uint64 {
	v, n := binary.Uvarint(d.Data)
	if n <= 0 {
		d.Fail("it is cut short")
		return 0
	}
	d.Data = d.Data[n:]
	return v
}

// Bytes reads text as a part of Data.
func (d *Decoder) Bytes() []byte {
	n := d.Uint()
	if n > uint64(len(d.Data)) {
		d.Fail("it is cut short")
		return nil
	}
	b := d.Data[:n]
	d.Data = d.Data[n:]
	return b
}

// String reads text.
func (d *Decoder) String() string { return string(d.Bytes()) }

// Bool reads what Encoder.Bool wrote.
func (d *Decoder) Bool() bool { return d.Uint() != 0 }

// Time reads a time.
func (d *Decoder) Time() time.Time {
	if !d.Bool() {
		return time.Time{}
	}
	sec, n := binary.Varint(d.Data)
	if n <= 0 {
		d.Fail("it is cut short")
		return time.Time{}
	}
	d.Data = d.Data[n:]
	return time.Unix(sec, int64(d.Uint())).UTC()
}

// Count reads how many records follow. Each has at least a byte, so a lying count does not cost memory.
func (d *Decoder) Count() uint64 {
	n := d.Uint()
	if n > uint64(len(d.Data)) {
		d.Fail("%d records in %d bytes", n, len(d.Data))
		return 0
	}
	return n
}

// Networks reads a list of networks.
func (d *Decoder) Networks() []netip.Prefix {
	var list []netip.Prefix
	for range d.Count() {
		addr, ok := netip.AddrFromSlice(d.Bytes())
		n := netip.PrefixFrom(addr, int(d.Uint()&0xff))
		if !ok || !n.IsValid() {
			d.Fail("a network is not one")
			return nil
		}
		list = append(list, n)
	}
	return list
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal appends the checksum of all before it, a CRC-32C of four bytes, little endian.
func Seal(data []byte) []byte {
	return binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
}

// Open checks data that begins with magic and a version, 1 to newest, and ends with its checksum. It returns what is
// between. Errors wrap damaged.
func Open(data []byte, magic string, newest byte, damaged error) (version byte, body []byte, err error) {
	end, head := len(data)-crc32.Size, len(magic)+1
	switch {
	case end < head || string(data[:len(magic)]) != magic:
		return 0, nil, fmt.Errorf("%w: it does not begin with %q", damaged, magic)
	case data[head-1] < 1 || data[head-1] > newest:
		return 0, nil, fmt.Errorf("%w: it has version %d, this program reads 1 to %d", damaged, data[head-1], newest)
	case crc32.Checksum(data[:end], castagnoli) != binary.LittleEndian.Uint32(data[end:]):
		return 0, nil, fmt.Errorf("%w: checksum differs", damaged)
	}
	return data[head-1], data[head:end], nil
}
