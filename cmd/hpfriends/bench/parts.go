package bench

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

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

// partFigures tells by which bound 99 of 100 had ended, since the first reading; and 99 of 100 by their time. The
// second is nearer to what a steady stream of messages notices: while one batch takes 50 ms, others would have been 25.
func partFigures(where string, first, last map[string]counts) (figures []figure) {
	for _, p := range parts {
		for _, by := range []struct {
			what   string
			weight func(bound float64) float64
		}{
			{"p99", func(float64) float64 { return 1 }},
			{"p99 of their time", func(bound float64) float64 { return bound }},
		} {
			figures = append(figures, figure{Name: p.name + where + ", " + by.what + " is at most", Unit: "ms",
				Value: 1000 * bound(first[p.metric], last[p.metric], .99, by.weight)})
		}
	}
	return figures
}

// bound is the least of the bounds of buckets that a part of what came between two readings does not exceed, where each
// counts as much as the weight of its bucket's bound.
func bound(first, last counts, part float64, weight func(bound float64) float64) float64 {
	bounds := slices.Sorted(maps.Keys(last))
	sums, sum, before := make([]float64, len(bounds)), 0.0, uint64(0)
	for i, b := range bounds {
		n := last[b] - first[b]
		sum += float64(n-before) * weight(min(b, math.MaxFloat32))
		sums[i], before = sum, n
	}
	for i, b := range bounds {
		if sums[i] >= part*sum {
			return b
		}
	}
	return math.Inf(1)
}
