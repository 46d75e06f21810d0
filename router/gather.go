package router

import (
	"encoding/binary"
	"strconv"

	"hpfriends/eventlog"
)

const (
	gatherBytes = 256 << 10 // sent at once by a reading
	referBytes  = 16 << 10  // from here on a piece is referenced; smaller ones are copied together, to few system calls
	maxChannel  = 255       // bytes
)

// gathering is what a reading is about to send.
type gathering struct {
	sending
	size   int
	copied []byte // holds the small pieces
	frame  []byte // the stamped frame at hand
}

func (g *gathering) add(frames []byte, count int, next eventlog.Position) {
	g.count, g.next, g.size = g.count+count, next, g.size+len(frames)
	if len(frames) < referBytes {
		if cap(g.copied)-len(g.copied) < len(frames) { // with what was copied before still in bufs
			g.copied = make([]byte, 0, gatherBytes+referBytes)
		}
		g.copied = append(g.copied, frames...)
		frames = g.copied[len(g.copied)-len(frames):]
	}
	if n := len(g.bufs) - 1; n >= 0 && adjacent(g.bufs[n], frames) {
		g.bufs[n] = g.bufs[n][:len(g.bufs[n])+len(frames)]
		return
	}
	g.bufs = append(g.bufs, frames)
}

// adjacent is whether b lies behind a in one array.
func adjacent(a, b []byte) bool {
	return cap(a)-len(a) >= len(b) && len(b) > 0 && &a[:len(a)+1][len(a)] == &b[0]
}

// reset is for after a Send, which returns when the kernel has the bytes.
func (g *gathering) reset() {
	g.sending = sending{bufs: g.bufs[:0]}
	g.size, g.copied = 0, g.copied[:0]
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
