package router

import (
	"cmp"
	"errors"
	"slices"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// entry delivers what the subscriber may have of one entry, from r.at on, as far as the send buffer goes.
func (r *reader) entry(index uint64) (err error) {
	r.then.advance(r.then.version.At(index))
	if r.now.advance(r.now.version.Newest()) { // before the batch is read, which has what is selected
		r.cursor.Select(r.selector())
		r.batch = nil
	}
	b := r.batch
	if b == nil || r.of != index {
		b, err = r.cursor.Batch(index)
	}
	r.batch = nil
	if errors.Is(err, eventlog.ErrNotBatch) {
		return nil
	}
	if err != nil {
		return err
	}
	r.out.batch = 0
	for i := range b.Runs {
		r.out.batch += len(b.Runs[i].Frames)
	}
	r.vain = true
	for i := range b.Runs {
		next, done := b.Runs[i].First, false
		if !r.out.full() {
			next, done = r.run(index, &b.Runs[i])
		}
		if done {
			continue
		}
		r.at = eventlog.Position{Index: index, Offset: next}
		if !r.out.copies {
			r.batch, r.of = b, index
			r.out.held += r.out.batch
		}
		return nil
	}
	if r.at = (eventlog.Position{Index: index + 1}); r.vain {
		r.cursor.Vain(len(b.Runs))
	}
	return nil
}

// run delivers the messages of one run that the subscriptions cover. When the send buffer is full before that is done,
// next is where to go on.
func (r *reader) run(index uint64, run *entry.Run) (next uint32, done bool) {
	first := eventlog.Position{Index: index, Offset: run.First}
	end := eventlog.Position{Index: index, Offset: run.First + run.Count}
	if first.Compare(r.at) < 0 {
		first = r.at
	}
	r.parts, r.wanted = r.parts[:0], r.wanted[:0]
	for _, w := range r.channel(run.Channel) {
		a, b, ok := w.part(first, end)
		if !ok || !r.may(w, index, run) {
			continue
		}
		r.vain = false
		if !w.holds(index, run.Time) {
			if (w.late == eventlog.Position{}) && w.period.Ended(run.Time) {
				w.late = a
			}
			continue
		}
		p := part{w.subscription, a.Offset, b.Offset}
		if !w.replayed {
			r.wanted = append(r.wanted, p)
		}
		r.claim(p)
	}
	next = end.Offset
	for _, p := range r.parts {
		if next = r.deliver(index, run, p); r.out.full() {
			break
		}
		next = end.Offset
	}
	for _, p := range r.wanted {
		p.messages += uint64(max(p.first, min(p.end, next)) - p.first)
	}
	return next, next == end.Offset
}

// coveringChannels bounds what one reader remembers of channels, which publishers make up.
const coveringChannels = 4096

// channel returns the windows whose pattern matches, the oldest first.
func (r *reader) channel(channel string) []*window {
	ws, ok := r.covering[channel]
	if !ok {
		for i := range r.windows {
			if r.windows[i].pattern.Match(channel) {
				ws = append(ws, &r.windows[i])
			}
		}
		slices.SortFunc(ws, func(a, b *window) int { return cmp.Compare(a.order, b.order) })
		if len(r.covering) >= coveringChannels {
			clear(r.covering)
		}
		r.covering[channel] = ws
	}
	return ws
}

// may reports whether the subscriber gets a run from the log. What was there when the subscription was made goes to who
// may replay it, by the newest graph. What came later goes to who was in the reach then, and is entitled now.
func (r *reader) may(w *window, index uint64, run *entry.Run) bool {
	origin := graph.UserID(run.Origin)
	from, ok := r.now.VisibleFrom(origin, run.Channel)
	if !ok || from > index {
		return false
	}
	if index <= w.history || r.then.version == r.now.version {
		return true
	}
	_, ok = r.then.VisibleFrom(origin, run.Channel)
	return ok
}

// claim adds to the parts, which are in order and do not overlap, what none of them has of p.
func (r *reader) claim(p part) {
	for i := 0; i < len(r.parts) && p.first < p.end; i++ {
		has := r.parts[i]
		if has.end <= p.first {
			continue
		}
		if p.first < has.first {
			r.parts = slices.Insert(r.parts, i, part{p.subscription, p.first, min(p.end, has.first)})
			i++
		}
		p.first = has.end
	}
	if p.first < p.end {
		r.parts = append(r.parts, p)
	}
}

// deliver adds a part of a run to the send buffer, and returns where the part, or the room, ends.
func (r *reader) deliver(index uint64, whole *entry.Run, p part) (next uint32) {
	run := *whole
	run.Count, run.First = p.end-p.first, p.first
	run.Frames = skip(whole.Frames, p.first-whole.First)
	if p.end < whole.First+whole.Count {
		run.Frames = run.Frames[:len(run.Frames)-len(skip(run.Frames, run.Count))]
	}
	if p.form != (Form{}) || p.notify || r.out.copies {
		return r.one(index, &run, p.subscription)
	}
	r.s.pieces(
		eventlog.Position{Index: index, Offset: p.first}, &run,
		func(at eventlog.Position, frames []byte, n int) {
			at.Offset += uint32(n)
			r.out.add(frames, n, at)
		},
		func(at eventlog.Position, size int) { r.s.peer.Events.Skipped(&run, size, at.Index <= p.history) },
	)
	return p.end
}

// one adds messages to the send buffer one at a time: they look as a subscription asks for, or something may have to be
// told between them, or the room is small.
func (r *reader) one(index uint64, run *entry.Run, u *subscription) (next uint32) {
	at := eventlog.Position{Index: index, Offset: run.First}
	for frames := run.Frames; len(frames) > 0 && !r.out.full(); {
		n := frameLen(frames)
		frame := frames[:n]
		frames = frames[n:]
		size := n - len(run.Channel) + u.form.ChannelSize(u.name, run.Channel)
		if size > r.s.limit {
			r.skipped(u, run, at, size)
			at.Offset++
			continue
		}
		if u.form != (Form{}) {
			r.out.channel = u.form.AppendChannel(r.out.channel[:0], u.name, run.Channel, at, run.Time)
			r.out.frame = appendRenamed(r.out.frame[:0], frame, r.out.channel)
			if frame = r.out.frame; len(frame) >= copyBelow && !r.out.copies {
				frame = slices.Clone(frame)
			}
		}
		at.Offset++
		r.out.add(frame, 1, at)
	}
	return at.Offset
}

// skipped tells of a message that is too large. A subscription with Notify is told behind what was before it.
func (r *reader) skipped(u *subscription, run *entry.Run, at eventlog.Position, size int) {
	r.s.peer.Events.Skipped(run, size, at.Index <= u.history)
	if channel := run.Channel; u.notify {
		r.out.told = func() { r.s.peer.Events.Omitted(u.name, at, channel, size) }
	}
}

// skip returns frames without the first n.
func skip(frames []byte, n uint32) []byte {
	for ; n > 0; n-- {
		frames = frames[frameLen(frames):]
	}
	return frames
}
