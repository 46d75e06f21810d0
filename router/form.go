package router

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"hpfriends/eventlog"
)

// Form is how the frames of a subscription look. The zero Form is: as they were published.
type Form struct {
	Positions bool // "channel@index.offset" is their channel
	Times     bool // "channel@@unixms" is, or with Positions "channel@index.offset@unixms"
	Echo      bool // the subscription's name is, and nothing else
}

const (
	maxChannel = 255 // bytes
	cutMark    = "…" // ends a channel that was too long for what stands behind it
)

// AppendChannel appends the channel of a frame: of a message on channel, for the subscription name. Where a channel
// leaves no room for position and time it is cut: without them a publisher could write what looks like them.
func (f Form) AppendChannel(dst []byte, name, channel string, at eventlog.Position, millis int64) []byte {
	switch {
	case f.Echo:
		return append(dst, name...)
	case f == Form{}:
		return append(dst, channel...)
	}
	var room [64]byte
	stamp := append(room[:0], '@')
	if f.Positions {
		stamp = strconv.AppendUint(stamp, at.Index, 10)
		stamp = strconv.AppendUint(append(stamp, '.'), uint64(at.Offset), 10)
	}
	if f.Times {
		stamp = strconv.AppendInt(append(stamp, '@'), millis, 10)
	}
	if len(channel)+len(stamp) > maxChannel {
		keep := maxChannel - len(stamp) - len(cutMark)
		for keep > 0 && !utf8.RuneStart(channel[keep]) {
			keep--
		}
		dst = append(append(dst, channel[:keep]...), cutMark...)
	} else {
		dst = append(dst, channel...)
	}
	return append(dst, stamp...)
}

// ChannelSize is how many bytes the channel of a frame counts against the receiver's limit. Positions and times do not
// count: what anybody else gets is not missing for who asks for these. A name that is echoed does, since it is for
// clients that others have written, some of which end at a frame of over 1 MiB.
func (f Form) ChannelSize(name, channel string) int {
	if f.Echo {
		return len(name)
	}
	return len(channel)
}

// appendRenamed appends a PUBLISH frame with another channel.
func appendRenamed(dst, frame, channel []byte) []byte {
	identEnd := 6 + int(frame[5])
	payload := identEnd + 1 + int(frame[identEnd])
	begin := len(dst)
	dst = append(dst, frame[:identEnd]...)
	dst = append(append(dst, byte(len(channel))), channel...)
	dst = append(dst, frame[payload:]...)
	binary.BigEndian.PutUint32(dst[begin:], uint32(len(dst)-begin))
	return dst
}
