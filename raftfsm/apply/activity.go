package apply

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// activity is the projection of the reports: the totals of each authkey, and the refusals of each owner, folded. It is
// held in memory (small, bounded) and its changed records are written with the entries that changed them.
//
//	SpaceStats:  authkey (8)                 -> entry.Usage as it is stored
//	SpaceLogs:   owner (8) | row hash (16)   -> entry.Refusal as it is stored
//	SpaceRecent: RecentKey                   -> the same, for those who see all
//	SpaceMeta:   eventlog.KeyNewestRefusal   -> index of the entry that changed SpaceLogs last
type activity struct {
	usage map[uint64]*entry.Usage
	rows  map[uint64]map[rowID]*entry.Refusal // by owner

	dirtyUsage map[uint64]bool
	dirtyRows  map[RefusalKey]time.Time // written, or deleted when no longer held; Last as it is stored, zero if it is not
	newest     uint64                   // entry that made rows dirty
}

type rowID [16]byte

// RefusalKey names the row into which equal refusals fold.
type RefusalKey struct {
	Owner uint64
	ID    rowID
}

// KeyOf returns the row of a refusal: all that are equal but for the times, the count and the detail, within one
// stretch of foldFor.
func KeyOf(r entry.Refusal) RefusalKey { return RefusalKey{r.Owner, refusalID(r)} }

// PartyOf says whose a row is among those of its owner: the authkey's that it is about or, where there is none, the
// address's that it came from. Of one owner's rows, no party's push out those of another that has fewer.
func PartyOf(r entry.Refusal) string {
	if r.Authkey != 0 {
		return strconv.FormatUint(r.Authkey, 10)
	}
	return "from " + r.Addr
}

// MaxRows bounds the refusals kept for each owner; of the party that has the most, the one last seen longest ago goes
// first.
const MaxRows = 1000

// foldFor is how long equal refusals fold into one row: after a pause this long a new row begins.
const foldFor = 10 * time.Minute

func loadActivity(log *eventlog.Log) (*activity, error) {
	a := &activity{
		usage: make(map[uint64]*entry.Usage), rows: make(map[uint64]map[rowID]*entry.Refusal),
		dirtyUsage: make(map[uint64]bool), dirtyRows: make(map[RefusalKey]time.Time),
	}
	err := log.Scan(eventlog.SpaceStats, nil, nil, func(k, v []byte) error {
		if len(k) != 8 {
			return fmt.Errorf("apply: statistics record %x: key of %d bytes, want 8", k, len(k))
		}
		id := binary.BigEndian.Uint64(k)
		u, err := entry.DecodeUsage(id, v)
		if err != nil {
			return fmt.Errorf("apply: statistics record %x: %w", k, err)
		}
		a.usage[id] = &u
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = log.Scan(eventlog.SpaceLogs, nil, nil, func(k, v []byte) error {
		if len(k) != 24 {
			return fmt.Errorf("apply: logs record %x: key of %d bytes, want 24", k, len(k))
		}
		r, err := entry.DecodeRefusal(v)
		if err != nil {
			return fmt.Errorf("apply: logs record %x: %w", k, err)
		}
		a.owned(binary.BigEndian.Uint64(k))[rowID(k[8:])] = &r
		return nil
	})
	return a, err
}

func (a *activity) owned(owner uint64) map[rowID]*entry.Refusal {
	m := a.rows[owner]
	if m == nil {
		m = make(map[rowID]*entry.Refusal)
		a.rows[owner] = m
	}
	return m
}

// fold adds the report of an entry.
func (a *activity) fold(index uint64, r *entry.Report) {
	for _, d := range r.Usage {
		u := a.usage[d.Authkey]
		if u == nil {
			u = &entry.Usage{Authkey: d.Authkey}
			a.usage[d.Authkey] = u
		}
		u.Add(d)
		a.dirtyUsage[d.Authkey] = true
	}
	for _, d := range r.Refusals {
		d.Index, a.newest = index, index
		a.foldRefusal(d)
	}
}

func (a *activity) foldRefusal(d entry.Refusal) {
	rows := a.owned(d.Owner)
	id := refusalID(d)
	if r := rows[id]; r != nil {
		a.dirty(RefusalKey{d.Owner, id}, r.Last)
		r.Count, r.Index = r.Count+d.Count, d.Index
		if !d.Last.Before(r.Last) {
			r.Last, r.Detail = d.Last, d.Detail
		}
	} else {
		if len(rows) >= MaxRows {
			a.dropOldest(d.Owner, rows)
		}
		rows[id] = &d
		a.dirty(RefusalKey{d.Owner, id}, time.Time{})
	}
}

// dirty notes that a row is to be written, and when it was last seen as it is stored.
func (a *activity) dirty(k RefusalKey, stored time.Time) {
	if _, known := a.dirtyRows[k]; !known {
		a.dirtyRows[k] = stored
	}
}

// dropOldest removes, of the party with the most rows, the one last seen longest ago; of equals the smaller name and
// id, so that every node removes the same.
func (a *activity) dropOldest(owner uint64, rows map[rowID]*entry.Refusal) {
	count := make(map[string]int)
	for _, r := range rows {
		count[PartyOf(*r)]++
	}
	most := ""
	for party, n := range count {
		if n > count[most] || n == count[most] && party < most {
			most = party
		}
	}
	var oldest rowID
	var last time.Time
	found := false
	for id, r := range rows {
		if PartyOf(*r) != most {
			continue
		}
		if !found || r.Last.Before(last) || r.Last.Equal(last) && string(id[:]) < string(oldest[:]) {
			oldest, last, found = id, r.Last, true
		}
	}
	delete(rows, oldest)
	a.dirty(RefusalKey{owner, oldest}, last)
}

// refusalID says which refusals are equal: all but the times, the count and the detail, within one stretch of foldFor.
func refusalID(r entry.Refusal) rowID {
	h := sha256.New()
	for _, s := range []string{
		strconv.FormatUint(r.Authkey, 10), r.Ident, r.Message, r.Channel, r.Addr,
		strconv.FormatInt(r.First.UnixNano()/int64(foldFor), 10),
	} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		h.Write([]byte(s))
	}
	return rowID(h.Sum(nil)[:16])
}

// flush writes the changed records.
func (a *activity) flush(tx *eventlog.Tx) {
	for id := range a.dirtyUsage {
		tx.Put(eventlog.SpaceStats, binary.BigEndian.AppendUint64(nil, id), a.usage[id].AppendStored(nil))
	}
	for k, stored := range a.dirtyRows {
		key := append(binary.BigEndian.AppendUint64(nil, k.Owner), k.ID[:]...)
		if !stored.IsZero() {
			tx.Delete(eventlog.SpaceRecent, eventlog.RecentKey(stored, key))
		}
		r := a.rows[k.Owner][k.ID]
		if r == nil {
			tx.Delete(eventlog.SpaceLogs, key)
			continue
		}
		row := r.AppendStored(nil)
		tx.Put(eventlog.SpaceLogs, key, row)
		tx.Put(eventlog.SpaceRecent, eventlog.RecentKey(r.Last, key), row)
	}
	if len(a.dirtyRows) > 0 {
		tx.Put(eventlog.SpaceMeta, eventlog.KeyNewestRefusal, eventlog.IndexKey(a.newest))
	}
	clear(a.dirtyUsage)
	clear(a.dirtyRows)
}

func putJSON(tx *eventlog.Tx, space eventlog.Space, key []byte, value any) error {
	v, err := json.Marshal(value)
	if err != nil {
		return err
	}
	tx.Put(space, key, v)
	return nil
}
