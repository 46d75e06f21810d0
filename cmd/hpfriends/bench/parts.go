package bench

import (
	"bytes"
	"context"
	"fmt"
	"math"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"hpfriends/internal/proc"
)

// parts are the histograms of a server in which the way of a batch shows, and what they are called here.
var parts = []struct{ metric, name string }{
	{"hpfriends_log_sync_duration_seconds", "a sync of the log by the disk"},
	{"hpfriends_raft_apply_duration_seconds", "applying what was committed"},
	{"hpfriends_raft_commit_duration_seconds", "a batch from its proposal until it is applied"},
}

// counts are the buckets of a histogram: how many were at most so many seconds.
type counts map[float64]uint64

// readMetrics reads what a server tells, and returns how to find a metric that has no labels.
func readMetrics(ctx context.Context, at *proc.Server) (
	find func(name string, kind dto.MetricType) (*dto.Metric, error), err error,
) {
	text, err := at.API.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	return func(name string, kind dto.MetricType) (*dto.Metric, error) {
		f := families[name]
		if f == nil || f.GetType() != kind || len(f.Metric) != 1 {
			return nil, fmt.Errorf("the server tells no %s", name)
		}
		return f.Metric[0], nil
	}, err
}

// readParts reads the histograms of a server.
func readParts(ctx context.Context, at *proc.Server) (map[string]counts, error) {
	find, err := readMetrics(ctx, at)
	if err != nil {
		return nil, err
	}
	all := make(map[string]counts)
	for _, p := range parts {
		m, err := find(p.metric, dto.MetricType_HISTOGRAM)
		if err != nil {
			return nil, err
		}
		c := make(counts)
		for _, b := range m.Histogram.Bucket {
			c[b.GetUpperBound()] = b.GetCumulativeCount()
		}
		all[p.metric] = c
	}
	return all, nil
}

// partFigures tells by which bound 99 of 100 had ended, since the first reading.
func partFigures(where string, first, last map[string]counts) (figures []figure) {
	for _, p := range parts {
		figures = append(figures, figure{Name: p.name + where + ", p99 is at most", Unit: "ms",
			Value: 1000 * bound(first[p.metric], last[p.metric], .99)})
	}
	return figures
}

// bound is the least of the bounds of buckets that a part of what came between two readings does not exceed.
func bound(first, last counts, part float64) float64 {
	all := last[math.Inf(1)] - first[math.Inf(1)]
	least := math.Inf(1)
	for b, n := range last {
		if float64(n-first[b]) >= part*float64(all) {
			least = min(least, b)
		}
	}
	return least
}
