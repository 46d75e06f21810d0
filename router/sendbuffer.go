package router

import "hpfriends/eventlog"

const (
	flushBytes = 256 << 10 // sent at once by a reader
	copyBelow  = 16 << 10  // smaller pieces are copied together, for fewer system calls; larger ones are referenced
)

// sendBuffer is what a reader is about to send.
type sendBuffer struct {
	sending
	size    int
	copied  []byte // holds the small pieces
	frame   []byte // the one at hand, if it is made for its subscription
	channel []byte // its
}

func (b *sendBuffer) add(frames []byte, count int, next eventlog.Position) {
	b.count, b.next, b.size = b.count+count, next, b.size+len(frames)
	if len(frames) < copyBelow {
		if cap(b.copied)-len(b.copied) < len(frames) { // with what was copied before still in bufs
			b.copied = make([]byte, 0, flushBytes+copyBelow)
		}
		b.copied = append(b.copied, frames...)
		frames = b.copied[len(b.copied)-len(frames):]
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

// reset is for after a Send, which returns when the kernel has the bytes.
func (b *sendBuffer) reset() {
	b.sending = sending{bufs: b.bufs[:0]}
	b.size, b.copied = 0, b.copied[:0]
}
