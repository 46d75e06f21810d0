package query

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
	"hpfriends/history"
	"hpfriends/query/traffic"
	"hpfriends/query/view"
)

// TimelineQuery asks how many messages there were when.
type TimelineQuery struct {
	Patterns     []graph.Pattern
	Since, Until time.Time
	Buckets      int
}

const (
	// MaxBuckets is the greatest number of buckets of a timeline.
	MaxBuckets = 1000
	// exactBatches is how many batches are read for a timeline. Where there are more, the projection of channels counts
	// by segments of the log.
	exactBatches = 1500
	// maxSegments bounds what is read of the projection.
	maxSegments = 50_000
	// exactRuns is how many runs of messages are looked at in batches: where senders are many, each has one in each.
	exactRuns = 8_000
)

// Timeline counts the messages that the viewer may read, by their own times.
func (q *channels) Timeline(ctx context.Context, viewer graph.Actor, t TimelineQuery) (view.Timeline, error) {
	l, err := q.tally(ctx, viewer, t, exactBatches)
	if err != nil {
		return view.Timeline{}, err
	}
	v := view.Timeline{
		Since: t.Since.UTC(), Step: l.step().Seconds(), Messages: make([]uint64, t.Buckets), Estimate: l.estimate,
	}
	for _, counts := range l.channels {
		for i, n := range counts {
			v.Messages[i] += n
			v.Total += n
		}
	}
	return v, nil
}

// Rates are the timelines of the channels with the most messages that the viewer may read.
func (q *channels) Rates(ctx context.Context, viewer graph.Actor, t TimelineQuery, limit int) (view.Rates, error) {
	l, err := q.tally(ctx, viewer, t, exactBatches)
	if err != nil {
		return view.Rates{}, err
	}
	v := view.Rates{Since: t.Since.UTC(), Step: l.step().Seconds(), Channels: []view.ChannelRate{}, Estimate: l.estimate}
	for name, counts := range l.channels {
		r := view.ChannelRate{Channel: named(name), Messages: counts}
		for _, n := range counts {
			r.Total += n
		}
		v.Channels = append(v.Channels, r)
	}
	slices.SortFunc(v.Channels, func(a, b view.ChannelRate) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), strings.Compare(a.Name, b.Name))
	})
	v.Channels = v.Channels[:min(len(v.Channels), limit)]
	return v, nil
}

// tally counts messages by channel and bucket.
type tally struct {
	TimelineQuery
	channels map[string][]uint64
	estimate bool
}

func (t *tally) step() time.Duration { return t.Until.Sub(t.Since) / time.Duration(t.Buckets) }

// bucket is where a time (unix milliseconds) belongs; below 0 and from Buckets on it is outside.
func (t *tally) bucket(millis int64) int {
	at := time.UnixMilli(millis).Sub(t.Since)
	if at < 0 {
		return -1
	}
	return int(at / max(t.step(), 1))
}

func (t *tally) add(channel string, millis int64, n uint64) {
	i := t.bucket(millis)
	if i < 0 || i >= t.Buckets || n == 0 {
		return
	}
	counts := t.channels[channel]
	if counts == nil {
		counts = make([]uint64, t.Buckets)
		t.channels[channel] = counts
	}
	counts[i] += n
}

// spread adds n messages that came evenly in [from, to]: the parts of the buckets add up to n.
func (t *tally) spread(channel string, from, to int64, n uint64) {
	first, last := t.bucket(from), t.bucket(to)
	if first == last || to <= from {
		t.add(channel, from, n)
		return
	}
	part := func(millis int64) uint64 { // of what came before a time
		return uint64(float64(n) * float64(min(max(millis, from), to)-from) / float64(to-from))
	}
	for i := max(first, 0); i <= min(last, t.Buckets-1); i++ {
		begin := t.Since.Add(time.Duration(i) * t.step()).UnixMilli()
		end := t.Since.Add(time.Duration(i+1) * t.step()).UnixMilli()
		upTo := part(end)
		if i == last {
			upTo = n
		}
		t.add(channel, max(begin, t.Since.UnixMilli()), upTo-part(begin))
	}
}

func (t *tally) asked(channel string) bool {
	return slices.ContainsFunc(t.Patterns, func(p graph.Pattern) bool { return p.Match(channel) })
}

func (q *channels) tally(ctx context.Context, viewer graph.Actor, query TimelineQuery, exact int) (*tally, error) {
	if query.Buckets < 1 || query.Buckets > MaxBuckets || !query.Until.After(query.Since) {
		return nil, refuse(graph.Invalid, "", "a timeline has 1 to %d buckets and ends after it begins", MaxBuckets)
	}
	t := &tally{TimelineQuery: query, channels: make(map[string][]uint64)}
	begin, err := q.log.StartAt(query.Since)
	if err != nil {
		return nil, err
	}
	end, err := q.log.EndAt(query.Until)
	if err != nil {
		return nil, err
	}
	r := newRights(q.node, viewer)
	var batches []uint64
	cursor := history.NewCursor(q.log, r.selector(query.Patterns), false)
	for at := begin; at <= end.Index && at <= q.log.Applied() && len(batches) <= exact; {
		found, next, err := cursor.Next(at, exact+1-len(batches))
		if err != nil {
			return nil, err
		}
		batches, at = append(batches, found...), next
	}
	batches = slices.DeleteFunc(batches, func(i uint64) bool { return i > end.Index })
	if len(batches) <= exact {
		if err := q.countExactly(ctx, &r, t, batches); !errors.Is(err, errEnough) {
			return t, err
		}
		clear(t.channels)
	}
	t.estimate = true
	return t, q.countSegments(ctx, viewer, t, begin, end.Index)
}

// countExactly reads the headers of batches. It is errEnough when there is too much in them.
func (q *channels) countExactly(ctx context.Context, r *rights, t *tally, batches []uint64) error {
	runs := 0
	for _, index := range batches {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := q.log.Header(index)
		if errors.Is(err, eventlog.ErrBelowFloor) {
			continue
		}
		if err != nil {
			return err
		}
		if runs += len(h.Runs); runs > exactRuns {
			return errEnough
		}
		for i := range h.Runs {
			if run := &h.Runs[i]; t.asked(run.Channel) && r.allow(run, index) {
				t.add(run.Channel, run.Time, uint64(run.Count))
			}
		}
	}
	return nil
}

// countSegments takes what the projection of channels has noted at the beginning of each segment.
func (q *channels) countSegments(ctx context.Context, viewer graph.Actor, t *tally, begin, end uint64) error {
	v := newReceived(q.Viewer(viewer), q.log.Floor())
	v.all = viewer.Operator && viewer.User == 0
	left := maxSegments
	for _, p := range traffic.Narrowest(t.Patterns) {
		err := q.visible(ctx, v, traffic.Matching(p), nil, func(r traffic.Row, from uint64) error {
			if r.All.Newest.Index < begin || r.All.First.Index > end {
				return nil
			}
			return q.traffic.Segments(r, from, begin, end, func(s traffic.Segment) error {
				if left--; left < 0 {
					return errEnough
				}
				t.spread(r.Channel, s.From, s.To, s.Messages)
				return nil
			})
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
