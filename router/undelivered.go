package router

import (
	"cmp"
	"slices"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// Undelivered says that messages of a run are larger than some of those accept who receive it and are subscribed.
type Undelivered struct {
	Run   *entry.Run
	Count int // deliveries that there are not

	// Of the largest of the messages.
	Size      int // bytes of its frame
	Limit     int // the least that one who does not get it accepts
	Missed    int // how many do not get it
	Receivers int // of so many
}

// tellUndelivered tells of what is too large in a run of an entry. It goes by who is subscribed now: those who read the
// log at their own pace will skip the same messages when they get there. The caller holds mu.
func (r *Router) tellUndelivered(index uint64, run *entry.Run, to []*Subscriber) {
	u := Undelivered{Run: run, Receivers: len(to)}
	// Most receivers accept all of it, and most of its messages are far from any limit: only the rest costs something.
	to = slices.DeleteFunc(slices.Clone(to), func(s *Subscriber) bool { return len(run.Frames)+maxChannel <= s.limit })
	at := eventlog.Position{Index: index, Offset: run.First}
	for frames := run.Frames; len(frames) > 0; at.Offset++ {
		size := frameLen(frames)
		frames = frames[size:]
		missed, limit := 0, 0
		for _, s := range to {
			if size+maxChannel > s.limit && (size > s.limit || size+s.lengthening(run, at) > s.limit) {
				missed++
				limit = min(cmp.Or(limit, s.limit), s.limit)
			}
		}
		u.Count += missed
		if missed > 0 && size > u.Size {
			u.Size, u.Limit, u.Missed = size, limit, missed
		}
	}
	if u.Count > 0 {
		r.config.Undelivered(u)
	}
}

// lengthening is by how many bytes the form that the subscriber wants makes a message longer. The caller holds
// router.mu.
func (s *Subscriber) lengthening(run *entry.Run, at eventlog.Position) int {
	if !s.readerOnly {
		return 0
	}
	var first *subscription
	for _, u := range s.subscribed {
		if u.pattern.Match(run.Channel) && (first == nil || u.order < first.order) {
			first = u
		}
	}
	if first == nil || first.form == (Form{}) {
		return 0
	}
	return len(first.form.AppendChannel(nil, first.name, run.Channel, at, run.Time)) - len(run.Channel)
}
