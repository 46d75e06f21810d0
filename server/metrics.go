package server

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"

	"hpfriends/graph"
	"hpfriends/raftfsm"
	"hpfriends/router"
	"hpfriends/server/certs"
)

// watch adds what the parts of a server count themselves.
func watch(r prometheus.Registerer, s *Server) {
	watchRouter(r, s.router)
	counter := func(name, help string, f func() float64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, f))
	}
	gauge := func(name, help string, f func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	gauge(
		"hpfriends_log_floor_index", "First entry of the log that is kept.",
		func() float64 { return float64(s.events.Floor()) },
	)
	gauge("hpfriends_log_bytes", "Bytes of the entries that are kept, as stored.", func() float64 {
		n, err := s.events.Retention().Size()
		if err != nil {
			return math.NaN()
		}
		return float64(n)
	})
	counter(
		"hpfriends_disk_full_refused_total", "Proposals that were refused because the disk is almost full.",
		func() float64 { return float64(s.node.Refused()) },
	)
	disk := s.events.Disk()
	gauge("hpfriends_log_disk_bytes", "Bytes of all files of the log.", func() float64 { return float64(disk.Bytes()) })
	gauge(
		"hpfriends_log_wal_bytes", "Bytes of the log's WAL that are in no table yet.",
		func() float64 { return float64(disk.WAL()) },
	)
	counter(
		"hpfriends_log_reclaimed_bytes_total", "Bytes of entries that retention has removed.",
		func() float64 { return float64(s.events.Retention().Reclaimed()) },
	)
	r.MustRegister(certificates{s.certs}, syncs{disk}, sizes{s.node.Graph}, repairs{s.node})
	r.MustRegister(s.backups.series()...)
	if s.scrubber != nil {
		counter(
			"hpfriends_scrub_damage_total", "Damaged places that the slow check of the log has found.",
			func() float64 { return float64(s.scrubber.Status().Found) },
		)
	}
	uncommitted := func() float64 { return float64(s.ingest.Pending()) }
	gauge("hpfriends_uncommitted_bytes", "Bytes published and not committed yet.", uncommitted)
	gauge(
		"hpfriends_log_applied_index", "Newest entry that is applied.", func() float64 { return float64(s.events.Applied()) },
	)
	gauge(
		"hpfriends_log_routed_index", "Newest entry that is routed to live subscribers.",
		func() float64 { return float64(s.router.Position()) - 1 },
	)
	gauge(
		"hpfriends_graph_index", "Newest change of the sharing graph.",
		func() float64 { return float64(s.node.Graph().Index()) },
	)
	gauge(
		"hpfriends_sessions", "Open hpfeeds connections, logged in or not.",
		func() float64 { return float64(s.wire.Sessions()) },
	)
}

// watchRouter adds what is delivered, and to whom it is late. The Python broker's deadline is the time that it lets a
// slow subscriber have; here a subscriber whose outbox overflows reads the log instead, which is what that counts.
func watchRouter(r prometheus.Registerer, router *router.Router) {
	counter := func(name, help string, f func() float64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, f))
	}
	gauge := func(name, help string, f func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	counter(
		"hpfeeds_broker_connection_send_buffer_deadline_start_total",
		"Subscribers that fell behind and went on from the log.", func() float64 { return float64(router.Lags()) },
	)
	gauge(
		"hpfriends_subscribers_lagging",
		"Subscribers that go on from the log now, since they fell behind or ask for the past.",
		func() float64 { return float64(router.Lagging()) },
	)
	counter(
		"hpfriends_messages_delivered_total", "Messages written to subscribers.",
		func() float64 { return float64(router.Delivered()) },
	)
	gauge(
		"hpfriends_subscribers_queued_bytes", "Bytes that wait in memory for subscribers.",
		func() float64 { queued, _, _ := router.Memory(); return float64(queued) },
	)
	gauge(
		"hpfriends_subscribers_in_hand_bytes", "Bytes that are being written to subscribers.",
		func() float64 { _, inHand, _ := router.Memory(); return float64(inHand) },
	)
	counter(
		"hpfriends_subscribers_relieved_total",
		"How often a subscriber was sent back to the log because all of them held too much memory.",
		func() float64 { _, _, relieved := router.Memory(); return float64(relieved) },
	)
}

// sizes are the series of how large the sharing graph is.
type sizes struct{ newest func() *graph.Graph }

var sizeSeries = [...]*prometheus.Desc{
	prometheus.NewDesc("hpfriends_users", "Users, enabled or not.", nil, nil),
	prometheus.NewDesc("hpfriends_groups", "Groups, that of everyone included.", nil, nil),
	prometheus.NewDesc("hpfriends_authkeys", "Authkeys, enabled or not.", nil, nil),
	prometheus.NewDesc("hpfriends_shares", "Shares, expired ones until they are removed.", nil, nil),
}

// Describe implements prometheus.Collector.
func (sizes) Describe(to chan<- *prometheus.Desc) {
	for _, d := range sizeSeries {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s sizes) Collect(to chan<- prometheus.Metric) {
	users, groups, authkeys, shares := graph.Size(s.newest())
	for i, n := range [...]int{users, groups, authkeys, shares} {
		to <- prometheus.MustNewConstMetric(sizeSeries[i], prometheus.GaugeValue, float64(n))
	}
}

// repairs are the series of what is damaged on the disk.
type repairs struct{ node *raftfsm.Node }

var (
	blocksDamaged = prometheus.NewDesc(
		"hpfriends_damaged_blocks_total", "Blocks of old entries that were found damaged since the start.", nil, nil,
	)
	blocksRepaired = prometheus.NewDesc(
		"hpfriends_repaired_blocks_total", "Damaged blocks that were repaired from another node since the start.", nil, nil,
	)
	blocksLeft = prometheus.NewDesc(
		"hpfriends_unrepaired_blocks", "Blocks of old entries that are damaged, as far as is known.", nil, nil,
	)
)

// Describe implements prometheus.Collector.
func (repairs) Describe(to chan<- *prometheus.Desc) {
	to <- blocksDamaged
	to <- blocksRepaired
	to <- blocksLeft
}

// Collect implements prometheus.Collector.
func (r repairs) Collect(to chan<- prometheus.Metric) {
	s := r.node.Repairs()
	to <- prometheus.MustNewConstMetric(blocksDamaged, prometheus.CounterValue, float64(s.Found))
	to <- prometheus.MustNewConstMetric(blocksRepaired, prometheus.CounterValue, float64(s.Repaired))
	to <- prometheus.MustNewConstMetric(blocksLeft, prometheus.GaugeValue, float64(len(s.Damaged)))
}

// certificates are the series of the certificates by which the node speaks TLS.
type certificates struct{ store *certs.Store }

var (
	certificateEnd = prometheus.NewDesc(
		"hpfriends_tls_certificate_not_after_timestamp_seconds", "When the TLS certificate in use ends.",
		[]string{"source"}, nil,
	)
	certificateStale = prometheus.NewDesc(
		"hpfriends_tls_certificate_reload_failed", "1 while the newest certificate cannot be used, and an older one stays.",
		[]string{"source"}, nil,
	)
)

// Describe implements prometheus.Collector.
func (certificates) Describe(to chan<- *prometheus.Desc) {
	to <- certificateEnd
	to <- certificateStale
}

// Collect implements prometheus.Collector.
func (c certificates) Collect(to chan<- prometheus.Metric) {
	for _, one := range c.store.Status() {
		value := func(d *prometheus.Desc, v float64) {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, one.Source)
		}
		value(certificateEnd, float64(one.Until.Unix()))
		value(certificateStale, number(one.Problem != ""))
	}
}
