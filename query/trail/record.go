package trail

import (
	"encoding/binary"
	"errors"

	"hpfriends/eventlog"
)

// Record is one event.
type Record struct {
	eventlog.AuditMark
	Before  eventlog.AuditMark // of the event before
	By      uint64             // user who made it; 0: none
	Stamped int64              // when, Unix milliseconds
	Op      string
	Actor   string
	Changes []Change
	Event   []byte // all of it, as JSON; nil: it is too large to be kept
}

// Change is whom one of the changes of an event concerns.
type Change struct {
	Users []uint64
	Group uint64 // those who are in it then; 0: none
}

// encode has what Scan needs to leave a record out in front of the rest.
func (r *Record) encode() []byte {
	b := make([]byte, 0, 160+len(r.Op)+len(r.Actor)+len(r.Event))
	b = binary.AppendUvarint(b, r.By)
	b = binary.AppendVarint(b, r.Stamped)
	for _, s := range []string{r.Op, r.Actor} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	for _, m := range []*eventlog.AuditMark{&r.AuditMark, &r.Before} {
		b = binary.AppendUvarint(b, m.Index)
		b = binary.AppendUvarint(b, m.Number)
		b = binary.AppendVarint(b, m.Time)
		b = append(b, m.Hash[:]...)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Changes)))
	for _, c := range r.Changes {
		b = binary.AppendUvarint(b, uint64(len(c.Users)))
		for _, u := range c.Users {
			b = binary.AppendUvarint(b, u)
		}
		b = binary.AppendUvarint(b, c.Group)
	}
	return append(b, r.Event...)
}

var errRecord = errors.New("trail: a record is cut short")

func decode(b []byte) (r *Record, err error) {
	d := decoder{b: b}
	r = &Record{By: d.uint(), Stamped: d.int(), Op: string(d.take(d.uint())), Actor: string(d.take(d.uint()))}
	for _, m := range []*eventlog.AuditMark{&r.AuditMark, &r.Before} {
		m.Index, m.Number, m.Time = d.uint(), d.uint(), d.int()
		copy(m.Hash[:], d.take(uint64(len(m.Hash))))
	}
	for n := d.uint(); n > 0 && d.err == nil; n-- {
		var c Change
		for users := d.uint(); users > 0 && d.err == nil; users-- {
			c.Users = append(c.Users, d.uint())
		}
		c.Group = d.uint()
		r.Changes = append(r.Changes, c)
	}
	if len(d.b) > 0 {
		r.Event = d.b
	}
	return r, d.err
}

// decoder reads on after an error, but only zeros.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	return v * d.skip(n)
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	return v * int64(d.skip(n))
}

// skip goes past a number of n bytes; it returns 0 where there is none, else 1.
func (d *decoder) skip(n int) uint64 {
	if n <= 0 {
		d.b, d.err = nil, errRecord
		return 0
	}
	d.b = d.b[n:]
	return 1
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.b, d.err = nil, errRecord
		return nil
	}
	var v []byte
	v, d.b = d.b[:n], d.b[n:]
	return v
}
