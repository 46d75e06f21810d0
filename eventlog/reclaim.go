package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Reclaim frees the space of what lies below the floor: entries, marks and index keys. Nothing below the floor is
// visible, so it may be interrupted and repeated, and nodes may do it at different times. The audit and the other
// projections are not touched. Pebble gives the space back to the disk within seconds.
func (r Retention) Reclaim() error {
	if !r.log.db.enter() {
		return ErrClosed
	}
	defer r.log.db.leave()
	floor := r.log.Floor()
	// Index keys first: when it is interrupted, what is left can still be found by the directory.
	if err := r.reclaimChannels(floor); err != nil {
		return err
	}
	freed, mark, err := r.reclaimable(floor)
	if err != nil {
		return err
	}
	b := r.log.db.NewBatch()
	defer b.Close()
	for _, span := range []byte{spanBatch, spanEntry} {
		r.log.db.must(b.DeleteRange(indexed(span, 0), indexed(span, floor), nil))
	}
	r.log.db.must(b.DeleteRange(indexed(spanSize, 0), indexed(spanSize, mark), nil))
	r.log.db.commit(b, pebble.NoSync)
	r.log.reclaimed.Add(freed)
	return r.compactBelow(floor)
}

// compactBelow gives the space back. Pebble alone drops a table when all of it is deleted, and leaves the others until
// something else is written there, which in a log is never: with 400 MB written and 16 MB kept, 50 MB stayed. (Not
// Excise: it would take entries from under Verify's snapshot, and be durable before the floor is. Not
// FlushDelayDeleteRange: it would flush after each truncation too, and its timer panics when it meets a WAL that has
// failed.)
func (r Retention) compactBelow(floor uint64) error {
	for _, span := range []byte{spanBatch, spanEntry} {
		if err := r.log.db.Compact(context.Background(), indexed(span, 0), indexed(span, floor), false); err != nil {
			return damaged(err)
		}
	}
	return nil
}

// reclaimable is how many bytes of records lie below floor, and the newest size mark there, which has to stay: the size
// of the retained log counts from it.
func (r Retention) reclaimable(floor uint64) (bytes, mark uint64, err error) {
	it, err := r.log.db.iterate(indexed(spanEntry, 0), indexed(spanEntry, floor))
	if err != nil {
		return 0, 0, err
	}
	defer it.Close()
	mark, upto, err := r.log.db.sizeMark(floor - 1)
	if err != nil || !it.First() {
		return 0, mark, errors.Join(err, damaged(it.Error()))
	}
	first, ok := ParseIndexKey(it.Key()[1:])
	if !ok {
		return 0, 0, fmt.Errorf("eventlog: malformed entry key %x", it.Key())
	}
	_, below, err := r.log.db.sizeMark(first - min(first, 1))
	return upto - below, mark, err
}

// reclaimChannels removes index keys, and channels that have none left.
func (r Retention) reclaimChannels(floor uint64) error {
	const chunk = 1000
	lower, upper := spanBounds(spanChannel)
	for lower != nil {
		channels, next, err := r.channelChunk(lower, upper, chunk)
		if err != nil {
			return err
		}
		if err := r.reclaimChunk(channels, floor); err != nil {
			return err
		}
		lower = next
	}
	return nil
}

// channelChunk returns up to n channels, and the key to go on with or nil.
func (r Retention) channelChunk(lower, upper []byte, n int) (channels []string, next []byte, err error) {
	it, err := r.log.db.iterate(lower, upper)
	if err != nil {
		return nil, nil, err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if len(channels) == n {
			return channels, bytes.Clone(it.Key()), nil
		}
		channels = append(channels, string(it.Key()[1:]))
	}
	return channels, nil, damaged(it.Error())
}

func (r Retention) reclaimChunk(channels []string, floor uint64) error {
	it, err := r.log.db.iterate(spanBounds(spanIndex))
	if err != nil {
		return err
	}
	defer it.Close()
	b := r.log.db.NewBatch()
	defer b.Close()
	// No Tx may bring a channel back between the look at the directory and the commit.
	r.log.directory.Lock()
	defer r.log.directory.Unlock()
	for _, channel := range channels {
		newest, err := r.log.db.get(channelKey(channel))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if bytes.Compare(newest, IndexKey(floor)) < 0 {
			r.log.db.must(b.Delete(channelKey(channel), nil))
		}
		lower, upper := channelIndexKey(channel, 0), channelIndexKey(channel, floor)
		if it.SeekGE(lower) && bytes.Compare(it.Key(), upper) < 0 {
			r.log.db.must(b.DeleteRange(lower, upper, nil))
		}
		if err := it.Error(); err != nil {
			return damaged(err)
		}
	}
	r.log.db.commit(b, pebble.NoSync)
	return nil
}
