package broker

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the series of the Python broker, by its names and labels, so that dashboards built on it go on working,
// and hpfriends_* beside them.
//
// Labels are bounded: idents are those of existing authkeys only (a failed login with an unknown ident has an empty
// one), and past maxLabels different label values the rest is "other". So are the channels of an ident past maxPairs of
// both: each has a histogram.
type metrics struct {
	connections   prometheus.Gauge
	made          prometheus.Counter
	ready         *prometheus.CounterVec
	errors        *prometheus.CounterVec
	lost          *prometheus.CounterVec
	subscriptions *prometheus.GaugeVec
	messages      *prometheus.CounterVec
	sizes         *prometheus.HistogramVec
	authenticated *prometheus.GaugeVec
	bytes         *prometheus.CounterVec // direction: receive or send
	taken         atomic.Uint64          // messages published

	labels struct {
		idents, owners, channels label
		pairs                    bounded[[2]string]
	}
}

const maxLabels, maxPairs = 1000, 10_000

func newMetrics(r prometheus.Registerer) *metrics {
	gauge := func(name, help string, l ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, l)
	}
	counter := func(name, help string, l ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, l)
	}
	m := &metrics{
		connections: prometheus.NewGauge(
			prometheus.GaugeOpts{Name: "hpfeeds_broker_client_connections", Help: "Authenticated client connections."},
		),
		made: prometheus.NewCounter(
			prometheus.CounterOpts{
				Name: "hpfeeds_broker_connection_made_total", Help: "Client connections that were authenticated.",
			},
		),
		ready: counter(
			"hpfeeds_broker_connection_ready_total", "Connections that were authenticated, by ident.", "ident",
		),
		errors: counter(
			"hpfeeds_broker_connection_error_total", "Refusals by ident and category.", "ident", "category",
		),
		lost:          counter("hpfeeds_broker_connection_lost_total", "Authenticated connections that ended.", "ident"),
		subscriptions: gauge("hpfeeds_broker_subscriptions", "Subscriptions.", "ident", "chan"),
		messages:      counter("hpfeeds_broker_receive_publish_count_total", "Messages published.", "ident", "chan"),
		sizes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hpfeeds_broker_receive_publish_size", Help: "Mean frame size of each run of published messages, in bytes.",
			Buckets: prometheus.ExponentialBuckets(1<<10, 2, 13),
		}, []string{"ident", "chan"}),
		bytes: counter(
			"hpfriends_client_bytes_total", "Bytes received from and sent to clients.", "ident", "direction",
		),
		authenticated: gauge(
			"hpfeeds_client_authenticated_connections", "Authenticated connections by ident and owner.", "ident", "owner",
		),
	}
	r.MustRegister(
		m.connections, m.made, m.ready, m.errors, m.lost, m.subscriptions, m.messages, m.sizes, m.authenticated, m.bytes,
	)
	return m
}

// pair bounds the values of an ident and a channel.
func (m *metrics) pair(ident, channel string) (string, string) {
	ident, channel = m.labels.idents.bound(ident), m.labels.channels.bound(channel)
	if !m.labels.pairs.takes([2]string{ident, channel}, maxPairs) {
		channel = other
	}
	return ident, channel
}

func (m *metrics) opened(ident, owner string) {
	ident = m.labels.idents.bound(ident)
	m.connections.Inc()
	m.made.Inc()
	m.ready.WithLabelValues(ident).Inc()
	m.authenticated.WithLabelValues(ident, m.labels.owners.bound(owner)).Inc()
}

func (m *metrics) closed(ident, owner string) {
	ident = m.labels.idents.bound(ident)
	m.connections.Dec()
	m.lost.WithLabelValues(ident).Inc()
	m.authenticated.WithLabelValues(ident, m.labels.owners.bound(owner)).Dec()
}

func (m *metrics) moved(ident string, received, sent uint64) {
	ident = m.labels.idents.bound(ident)
	m.bytes.WithLabelValues(ident, "receive").Add(float64(received))
	m.bytes.WithLabelValues(ident, "send").Add(float64(sent))
}

func (m *metrics) refused(ident, category string) {
	m.errors.WithLabelValues(m.labels.idents.bound(ident), category).Inc()
}

func (m *metrics) subscribed(ident, channel string, by float64) {
	ident, channel = m.pair(ident, channel)
	m.subscriptions.WithLabelValues(ident, channel).Add(by)
}

func (m *metrics) published(ident, channel string, messages, bytes int) {
	m.taken.Add(uint64(messages))
	ident, channel = m.pair(ident, channel)
	m.messages.WithLabelValues(ident, channel).Add(float64(messages))
	m.sizes.WithLabelValues(ident, channel).Observe(float64(bytes) / float64(messages))
}

// label bounds the different values of a label.
type label struct{ values bounded[string] }

// other is the value of a label beyond its bound.
const other = "other"

func (l *label) bound(v string) string {
	v = strings.ToValidUTF8(v, "\ufffd") // a label that is not UTF-8 would panic
	if !l.values.takes(v, maxLabels) {
		return other
	}
	return v
}

// bounded are the first different values of many.
type bounded[V comparable] struct {
	mu   sync.RWMutex
	seen map[V]bool
}

// takes reports whether v is one of the first most.
func (b *bounded[V]) takes(v V, most int) bool {
	b.mu.RLock()
	known := b.seen[v]
	b.mu.RUnlock()
	if known {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen == nil {
		b.seen = make(map[V]bool)
	}
	if !b.seen[v] && len(b.seen) < most {
		b.seen[v] = true
	}
	return b.seen[v]
}
