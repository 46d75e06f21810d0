package router

import "hpfriends/eventlog"

const (
	flushBytes = 256 << 10 // sent at once by a reader, unless memory is short
	copyBelow  = 16 << 10  // smaller pieces are copied together, for fewer system calls; larger ones are referenced
)

// sendBuffer is what a reader is about to send.
type sendBuffer struct {
	sending
	size    int
	room    int    // how much is sent at once
	copies  bool   // nothing is referenced
	batch   int    // bytes that a reference to the batch at hand holds on to; 0: there is one already
	told    func() // what the peer is told behind it
	copied  []byte // holds the small pieces
	frame   []byte // the one at hand, if it is made for its subscription
	channel []byte // its
}

// full reports whether it is time to send.
func (b *sendBuffer) full() bool { return b.size >= b.room || b.told != nil }

// add puts frames of the batch at hand in.
func (b *sendBuffer) add(frames []byte, count int, next eventlog.Position) {
	b.count, b.next, b.size = b.count+count, next, b.size+len(frames)
	if len(frames) < copyBelow || b.copies {
		if cap(b.copied)-len(b.copied) < len(frames) { // with what was copied before still in bufs
			b.copied = make([]byte, 0, max(b.room+copyBelow, len(frames)))
			b.held += cap(b.copied)
		}
		b.copied = append(b.copied, frames...)
		frames = b.copied[len(b.copied)-len(frames):]
	} else {
		b.held += b.batch
		b.batch = 0
	}
	if n := len(b.bufs) - 1; n >= 0 && adjacent(b.bufs[n], frames) {
		b.bufs[n] = b.bufs[n][:len(b.bufs[n])+len(frames)]
		return
	}
	b.bufs = append(b.bufs, frames)
}

// adjacent reports whether b lies behind a in one array.
func adjacent(a, b []byte) bool {
	return cap(a)-len(a) >= len(b) && len(b) > 0 && &a[:len(a)+1][len(a)] == &b[0]
}

// begin makes it empty, for a portion. Send returns when the kernel has the bytes.
func (b *sendBuffer) begin(portion int) {
	b.room, b.copies = min(portion, flushBytes), portion < flushBytes
	b.sending = sending{bufs: b.bufs[:0]}
	b.size, b.batch, b.told, b.copied = 0, 0, nil, b.copied[:0]
	if cap(b.copied) > b.room+copyBelow {
		b.copied = nil
	}
	b.held = cap(b.copied)
}
