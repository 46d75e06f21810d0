package cold

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/block"
)

// Damaged is a block that is not what was written, and what was found first.
type Damaged struct {
	Head
	Err error
}

// Damage remembers what could not be read. Pebble tries each bit of what fails its checksum, which takes it a second
// for a part: who asks again is told at once. The nil Damage remembers nothing.
type Damage struct {
	mu      sync.Mutex
	keys    map[string]error // that Pebble cannot read
	whole   map[uint64]error // blocks that cannot be unpacked whole, by their last entry
	blocks  map[uint64]Damaged
	changed chan struct{} // closed when another block is found
	sound   chan struct{} // closed when one is forgotten
	repair  chan struct{} // closed when nobody repairs any more; nil: nobody ever did
}

// mostKeys bounds what is remembered of a disk on which everything is damaged.
const mostKeys = 1 << 14

// remembered is why a key could not be read, or nil.
func (d *Damage) remembered(key []byte) error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.keys[string(key)]
}

// unreadable remembers that Pebble could not read a key, and returns its error.
func (d *Damage) unreadable(key []byte, err error) error {
	if d == nil || !pebble.IsCorruptionError(err) {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys == nil {
		d.keys = make(map[string]error)
	}
	if len(d.keys) < mostKeys {
		d.keys[string(key)] = err
	}
	return err
}

// Note remembers a block in which something was damaged, and returns err. Errors that say nothing of what is stored are
// not remembered.
func (d *Damage) Note(h *Head, err error) error {
	if isDamage(err) {
		d.Add(h, err)
	}
	return err
}

func isDamage(err error) bool {
	var format *block.FormatError
	return errors.As(err, &format) || pebble.IsCorruptionError(err)
}

// Add remembers that a block is damaged.
func (d *Damage) Add(h *Head, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.blocks == nil {
		d.blocks = make(map[uint64]Damaged)
	}
	if _, known := d.blocks[h.Last]; known || len(d.blocks) >= mostKeys {
		return
	}
	d.blocks[h.Last] = Damaged{*h, err}
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

// noteWhole is Note, of a block that was to be unpacked whole.
func (d *Damage) noteWhole(h *Head, err error) {
	if !isDamage(err) {
		return
	}
	d.Add(h, err)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.whole == nil {
		d.whole = make(map[uint64]error)
	}
	if len(d.whole) < mostKeys {
		d.whole[h.Last] = err
	}
}

func (d *Damage) wholeOf(h *Head) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.whole[h.Last]
}

// All are the damaged blocks that are known, in the order of the log, and what is closed when another is found.
func (d *Damage) All() ([]Damaged, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	all := make([]Damaged, 0, len(d.blocks))
	for _, last := range slices.Sorted(maps.Keys(d.blocks)) {
		all = append(all, d.blocks[last])
	}
	return all, d.changed
}

// Repairing says that somebody repairs what is damaged, until the result is called.
func (d *Damage) Repairing() (end func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.repair = make(chan struct{})
	return sync.OnceFunc(func() { close(d.repair) })
}

// Await waits until a block is no longer known as damaged. It reports whether that is so, or else whether waiting was
// ended since nobody repairs any more.
func (d *Damage) Await(last uint64, limit time.Duration) (sound, ended bool) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		d.mu.Lock()
		_, damaged := d.blocks[last]
		if d.sound == nil {
			d.sound = make(chan struct{})
		}
		changed, repair := d.sound, d.repair
		d.mu.Unlock()
		if !damaged || repair == nil {
			return !damaged, false
		}
		select {
		case <-changed:
		case <-repair:
			return false, true
		case <-timer.C:
			return false, false
		}
	}
}

// forget forgets a block, which is sound or gone.
func (d *Damage) forget(last uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sound != nil {
		close(d.sound)
		d.sound = nil
	}
	delete(d.blocks, last)
	delete(d.whole, last)
	marks, parts := string(Key(SpanMarks, last)), string(Key(SpanPart, last))
	maps.DeleteFunc(d.keys, func(key string, _ error) bool { return key == marks || key[:len(parts)] == parts })
}
