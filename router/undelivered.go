package router

import (
	"cmp"
	"slices"

	"hpfriends/eventlog/entry"
)

// Undelivered says that messages of a run are larger than some of those accept who receive it and are subscribed.
type Undelivered struct {
	Run   *entry.Run
	Count int // messages that somebody does not get

	// Of the largest of the messages.
	Size      int // bytes of its frame
	Limit     int // the least that one who does not get it accepts
	Missed    int // how many do not get it
	Receivers int // of so many
}

// tellUndelivered tells of what is too large in a run of an entry. It goes by who is subscribed now: those who read the
// log at their own pace will skip the same messages when they get there. The caller holds mu.
func (r *Router) tellUndelivered(run *entry.Run, to []*Subscriber) {
	u := Undelivered{Run: run, Receivers: len(to)}
	// Most receivers accept all of it, and most of its messages are far from any limit: only the rest costs something.
	to = slices.DeleteFunc(slices.Clone(to), func(s *Subscriber) bool { return len(run.Frames)+maxChannel <= s.limit })
	for frames := run.Frames; len(frames) > 0; {
		size := frameLen(frames)
		frames = frames[size:]
		missed, limit := 0, 0
		for _, s := range to {
			if size+maxChannel > s.limit && size-len(run.Channel)+s.channelSize(run.Channel) > s.limit {
				missed++
				limit = min(cmp.Or(limit, s.limit), s.limit)
			}
		}
		if missed == 0 {
			continue
		}
		u.Count++
		if size > u.Size {
			u.Size, u.Limit, u.Missed = size, limit, missed
		}
	}
	if u.Count > 0 {
		r.config.Undelivered(u)
	}
}

// channelSize is Form.ChannelSize of the form that the subscriber wants. The caller holds router.mu.
func (s *Subscriber) channelSize(channel string) int {
	if s.readerOnly == 0 {
		return len(channel)
	}
	var first *subscription
	for _, u := range s.subscribed {
		if u.pattern.Match(channel) && (first == nil || u.order < first.order) {
			first = u
		}
	}
	if first == nil {
		return len(channel)
	}
	return first.form.ChannelSize(first.name, channel)
}
