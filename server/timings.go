package server

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"hpfriends/eventlog"
)

// instruments are what parts of a server measure themselves by. Each observation is of a batch, none of a message.
type instruments struct {
	registry           *prometheus.Registry
	applied, committed prometheus.Histogram
}

func newInstruments() instruments {
	i := instruments{
		registry: prometheus.NewRegistry(),
		// Applying writes index keys, which are not synced: it takes long only when Pebble holds writes back.
		applied: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hpfriends_raft_apply_duration_seconds",
			Help: "Time in which this node has applied committed entries, by each call of raft.",
			Buckets: []float64{
				.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10,
			},
		}),
		// At least one sync on most nodes, and a way there and back; an election at most.
		committed: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hpfriends_raft_commit_duration_seconds",
			Help: "Time from proposing a batch of messages until it is committed and applied by the leader.",
			Buckets: []float64{
				.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10,
			},
		}),
	}
	i.registry.MustRegister(
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(waits)),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		i.applied, i.committed,
	)
	return i
}

// waits are how long what could run has waited for a processor: what tells a node that is too small from one that waits
// for its disk.
var waits = collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile("^/sched/latencies:seconds$")}

// syncs is the series of how long the disk takes to sync the log, as Pebble measures it.
type syncs struct{ disk eventlog.Disk }

var syncDuration = prometheus.NewDesc(
	"hpfriends_log_sync_duration_seconds", "Time in which the disk has synced the log, by each sync.", nil, nil,
)

// Describe implements prometheus.Collector.
func (syncs) Describe(to chan<- *prometheus.Desc) { to <- syncDuration }

// Collect implements prometheus.Collector.
func (s syncs) Collect(to chan<- prometheus.Metric) {
	measured, err := s.disk.Syncs()
	if err != nil {
		to <- prometheus.NewInvalidMetric(syncDuration, err)
		return
	}
	to <- prometheus.MustNewConstHistogram(
		syncDuration, measured.Count, measured.Sum.Seconds(), syncBuckets(measured.Below),
	)
}

// syncBounds are the wanted bounds. Pebble has a hundred, in steps of 0.1 ms up to 5 ms and of 17 % from there to 10 s.
var syncBounds = []time.Duration{
	100 * time.Microsecond, 200 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond,
	5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
}

// syncBuckets takes of Pebble's buckets those next to the wanted bounds, under their own bounds to three digits.
func syncBuckets(all []eventlog.SyncBucket) map[float64]uint64 {
	chosen := make(map[float64]uint64, len(syncBounds))
	for _, want := range syncBounds {
		next := slices.MinFunc(all, func(a, b eventlog.SyncBucket) int {
			return cmp.Compare((a.Bound - want).Abs(), (b.Bound - want).Abs())
		})
		chosen[threeDigits(next.Bound.Seconds())] = next.Count
	}
	return chosen
}

// threeDigits rounds a positive number.
func threeDigits(v float64) float64 {
	scale := math.Pow(10, math.Floor(math.Log10(v))-2)
	return math.Round(v/scale) / math.Round(1/scale)
}
