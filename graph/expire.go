package graph

import (
	"cmp"
	"time"
)

// dueKey orders what can expire by when. Seconds and nanoseconds are kept apart because UnixNano ends in 2262.
type dueKey struct {
	sec  int64
	nsec int32
	kind dueKind
	id   uint64
}

type dueKind uint8

const (
	dueShare dueKind = iota + 1
	dueAuthkey
	dueToken
	dueInvitation
)

func compareDue(x, y dueKey) int {
	return cmp.Or(cmp.Compare(x.sec, y.sec), cmp.Compare(x.nsec, y.nsec), cmp.Compare(x.kind, y.kind),
		cmp.Compare(x.id, y.id))
}

func dueAt(t time.Time, kind dueKind, id uint64) dueKey {
	return dueKey{t.Unix(), int32(t.Nanosecond()), kind, id}
}

func (d *draft) due(t time.Time, kind dueKind, id uint64) {
	if !t.IsZero() {
		d.expiry.Put(d.edit, dueAt(t, kind, id), struct{}{})
	}
}

func (d *draft) notDue(t time.Time, kind dueKind, id uint64) {
	if !t.IsZero() {
		d.expiry.Remove(d.edit, dueAt(t, kind, id))
	}
}

// NextExpiry is when the next share, authkey, token, session or invitation expires. ok is false if none ever does.
func (g *Graph) NextExpiry() (t time.Time, ok bool) {
	for k := range g.expiry.All() {
		return time.Unix(k.sec, int64(k.nsec)).UTC(), true
	}
	return time.Time{}, false
}

func (op Expire) authorize(d *draft) error {
	if !d.by.Operator {
		return refuse(Denied, "", "only the system ends what has expired")
	}
	return nil
}

func (op Expire) apply(d *draft) (uint64, error) {
	var keys []dueKey
	for k := range d.expiry.All() {
		if time.Unix(k.sec, int64(k.nsec)).After(d.at.Time) {
			break
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return 0, refuse(Conflict, "", "nothing has expired by %s", d.at.Time.Format(time.RFC3339))
	}
	for _, k := range keys {
		d.expiry.Remove(d.edit, k)
		d.expire(k)
	}
	return 0, nil
}

func (d *draft) expire(k dueKey) {
	switch k.kind {
	case dueShare:
		old, _ := d.Share(ShareID(k.id))
		s := *old
		s.Expired = true
		d.putShare(&s)
		d.delta.shares = append(d.delta.shares, old)
	case dueAuthkey:
		old, _ := d.Authkey(AuthkeyID(k.id))
		key := *old
		key.Enabled = false
		d.putAuthkey(&key)
	case dueToken:
		t, _ := d.tokens.Find(k.id)
		d.dropToken(t)
	case dueInvitation:
		v, _ := d.invited.Find(k.id)
		d.dropInvitation(v)
	}
}
