package router

import (
	"encoding/binary"
	"strconv"

	"hpfriends/eventlog"
)

const (
	flushBytes = 256 << 10 // sent at once by a reader
	copyBelow  = 16 << 10  // smaller pieces are copied together, for fewer system calls; larger ones are referenced
	maxChannel = 255       // bytes
)

// sendBuffer is what a reader is about to send.
type sendBuffer struct {
	sending
	size   int
	copied []byte // holds the small pieces
	frame  []byte // the stamped frame at hand
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

// appendStamped appends a PUBLISH frame with "channel@index.offset" as its channel. Where that would be too long for a
// channel the frame stays as it is.
func appendStamped(dst, frame []byte, at eventlog.Position) []byte {
	identEnd := 6 + int(frame[5])
	channel := frame[identEnd+1 : identEnd+1+int(frame[identEnd])]
	begin := len(dst)
	dst = append(dst, frame[:identEnd+1]...)
	dst = append(append(dst, channel...), '@')
	dst = strconv.AppendUint(dst, at.Index, 10)
	dst = strconv.AppendUint(append(dst, '.'), uint64(at.Offset), 10)
	n := len(dst) - begin - identEnd - 1
	if n > maxChannel {
		return append(dst[:begin], frame...)
	}
	dst[begin+identEnd] = byte(n)
	dst = append(dst, frame[identEnd+1+len(channel):]...)
	binary.BigEndian.PutUint32(dst[begin:], uint32(len(dst)-begin))
	return dst
}
