package program

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// scrape reads /metrics as Prometheus does.
func scrape(t *testing.T, p *proc.Server) map[string]*dto.MetricFamily {
	t.Helper()
	page, err := p.API.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// histogram is one by its labels' values, in the order of their names; empty if there is none yet.
func histogram(all map[string]*dto.MetricFamily, name string, labels ...string) *dto.Histogram {
	for _, m := range all[name].GetMetric() {
		var values []string
		for _, l := range m.GetLabel() {
			values = append(values, l.GetValue())
		}
		if slices.Equal(values, labels) {
			return m.GetHistogram()
		}
	}
	return new(dto.Histogram)
}

// TestMetricsTellHowLongThingsTake: what is published and asked is in the histograms, in seconds, and the sizes of the
// graph are those that the API lists.
func TestMetricsTellHowLongThingsTake(t *testing.T) {
	const messages, asked, missed = 50, 5, 3
	p := startTestProcess(t, t.TempDir(), "--scrub-interval", "0")
	t.Cleanup(p.Kill)
	keys, _, err := load.SetUp(t.Context(), p.API, "c", 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := wire.Dial(t.Context(), wire.DialConfig{
		Addr: p.Address, Ident: keys[0].Ident, Secret: []byte(keys[0].Secret), Timeout: time.Minute,
	})
	if err == nil {
		defer c.Close()
		err = c.Subscribe(subscription.Acks)
	}
	if err != nil {
		t.Fatal(err)
	}
	before, began := scrape(t, p), time.Now()
	for i := range messages {
		publishAndAwait(t, c, i+1)
	}
	for range asked {
		if err := p.Call(t.Context(), "GET", "/api/v1/users", "", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	for range missed {
		if err := p.Call(t.Context(), "GET", "/api/v1/users/nobody", "", nil, nil); err == nil {
			t.Fatal("there is a user nobody")
		}
	}
	after, took := scrape(t, p), time.Since(began)
	grown := func(name string, labels ...string) uint64 {
		return observed(t, before, after, took, name, labels...)
	}
	// Each is confirmed before the next is published, so each is a batch, an entry and a sync of its own.
	if n := grown("hpfriends_raft_commit_duration_seconds"); n != messages {
		t.Errorf("%d batches are committed, want %d", n, messages)
	}
	for _, name := range []string{"hpfriends_raft_apply_duration_seconds", "hpfriends_log_sync_duration_seconds"} {
		if n := grown(name); n < messages || n > 2*messages {
			t.Errorf("%s: %d, want %d and few more", name, n, messages)
		}
	}
	const requests = "hpfriends_http_request_duration_seconds"
	if n := grown(requests, "2xx", "GET /api/v1/users"); n != asked {
		t.Errorf("%d requests are measured, want %d", n, asked)
	}
	if n := grown(requests, "4xx", "GET /api/v1/users/{handle}"); n != missed {
		t.Errorf("%d refusals are measured, want %d", n, missed)
	}
	for name, want := range map[string]float64{
		"hpfriends_users": 3, "hpfriends_groups": 1, "hpfriends_authkeys": 3, "hpfriends_shares": 2,
	} {
		if got := after[name].GetMetric(); len(got) != 1 || got[0].GetGauge().GetValue() != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// publishAndAwait publishes the n-th message of a connection, and waits until it is confirmed.
func publishAndAwait(t *testing.T, c *wire.ClientConn, n int) {
	t.Helper()
	if err := c.Publish("c", fmt.Append(nil, n)); err != nil {
		t.Fatal(err)
	}
	for want := strconv.Itoa(n); ; {
		f, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if payloadOf(f) == want {
			return
		}
	}
}

// observed is by how much a histogram has grown. What was observed one after the other took no longer than the test.
func observed(
	t *testing.T, before, after map[string]*dto.MetricFamily, took time.Duration, name string, labels ...string,
) uint64 {
	t.Helper()
	old, now := histogram(before, name, labels...), histogram(after, name, labels...)
	n, sum := now.GetSampleCount()-old.GetSampleCount(), now.GetSampleSum()-old.GetSampleSum()
	if mean := sum / float64(n); sum > took.Seconds() || mean < 1e-6 {
		t.Errorf("%s: %v s in %v, %v s each", name, sum, took, mean)
	}
	buckets := now.GetBucket()
	if len(buckets) < 12 || len(buckets) > 20 || buckets[len(buckets)-1].GetCumulativeCount() != now.GetSampleCount() {
		t.Errorf("%s: buckets %v of %d", name, buckets, now.GetSampleCount())
	}
	return n
}
