package graph

import (
	"time"

	"hpfriends/graph/due"
)

func (d *draft) due(t time.Time, kind due.Kind, id uint64) {
	if !t.IsZero() {
		d.expiry.Put(d.edit, due.At(t, kind, id), struct{}{})
	}
}

func (d *draft) notDue(t time.Time, kind due.Kind, id uint64) {
	if !t.IsZero() {
		d.expiry.Remove(d.edit, due.At(t, kind, id))
	}
}

// NextExpiry is when the next share, authkey, token, session or invitation expires. ok is false if none ever does.
func (g *Graph) NextExpiry() (t time.Time, ok bool) {
	for k := range g.expiry.All() {
		return k.Time(), true
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
	var keys []due.Key
	for k := range d.expiry.All() {
		if k.Time().After(d.at.Time) {
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

func (d *draft) expire(k due.Key) {
	switch k.Kind {
	case due.Share:
		old, _ := d.Share(ShareID(k.ID))
		s := *old
		s.Expired = true
		d.putShare(&s)
		d.delta.shares = append(d.delta.shares, old)
	case due.Authkey:
		old, _ := d.Authkey(AuthkeyID(k.ID))
		key := *old
		key.Enabled = false
		d.putAuthkey(&key)
	case due.Token:
		t, _ := d.tokens.Find(k.ID)
		d.dropToken(t)
	case due.Invitation:
		v, _ := d.invited.Find(k.ID)
		d.dropInvitation(v)
	}
}
