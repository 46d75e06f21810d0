package subscription

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hpfriends/eventlog/entry"
)

// The channel of a frame has one byte of length: it holds at most maxFrameChannel bytes, of which a position and a time
// take up to these.
const (
	maxFrameChannel = 255
	positionBytes   = len("@18446744073709551615.4294967295")
	timeBytes       = len("@-9223372036854775808")
)

// Room is how long a channel may be for its frames to carry positions and times too.
const Room = maxFrameChannel - positionBytes - timeBytes

// Fits returns an error if the channel of a frame cannot hold what s asks for. Behind a pattern there may be channels
// that are too long all the same: the frames of these carry the beginning, and "…" before the position or time.
func (s *Subscription) Fits() error {
	var most int
	switch {
	case s.Echo && (s.Positions || s.Times):
		return errors.New("bad subscription: with echo=1 frames carry what was subscribed to, without positions or times")
	case s.Echo && len(s.Text) > maxFrameChannel:
		return fmt.Errorf(
			"bad subscription: with echo=1 it has at most %d bytes, as the channel of a frame: this has %d", maxFrameChannel,
			len(s.Text),
		)
	case s.Positions && s.Times:
		most = Room
	case s.Positions:
		most = maxFrameChannel - positionBytes
	case s.Times:
		most = maxFrameChannel - 1 - timeBytes
	default:
		return nil
	}
	if channel := strings.TrimSuffix(s.Channel, "*"); len(channel) > most {
		return fmt.Errorf(
			"bad subscription: with positions=1 or times=1 a channel has at most %d bytes, for the frame to hold both: this "+
				"has %d", most, len(channel),
		)
	}
	return nil
}

// Stamp is what the channel of a frame carries behind its name.
type Stamp struct {
	Position entry.Position // zero: it carries none
	Millis   int64          // unix milliseconds at which the log took the message; 0: it carries none
}

// Cut splits the channel of a frame that has been asked for with positions, times or both. It reads from the end, since
// a name may contain what looks like them.
func Cut(channel string) (name string, s Stamp, ok bool) {
	name, last, found := cutLast(channel)
	if p, err := entry.ParsePosition(last); found && err == nil && strings.Contains(last, ".") {
		return name, Stamp{Position: p}, true
	}
	millis, err := strconv.ParseInt(last, 10, 64)
	name, last, found = cutLast(name)
	if err != nil || !found {
		return channel, Stamp{}, false
	}
	s.Millis = millis
	if last != "" {
		if s.Position, err = entry.ParsePosition(last); err != nil || !strings.Contains(last, ".") {
			return channel, Stamp{}, false
		}
	}
	return name, s, true
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
