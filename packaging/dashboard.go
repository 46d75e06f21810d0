package packaging

import "encoding/json"

// panel is one picture of the dashboard: a query by instance, or by what legend says.
type panel struct {
	title, unit string // the unit by Grafana's names
	queries     []query
}

type query struct{ expr, legend string }

// row is panels side by side under a title.
type row struct {
	title  string
	panels []panel
}

// rows are the dashboard. Each metric in it is one that a server has: see the test.
var rows = []row{
	{"Traffic", []panel{
		{"Messages", "cps", []query{
			{"sum(rate(hpfeeds_broker_receive_publish_count_total[$__rate_interval]))", "published"},
			{"sum(rate(hpfriends_messages_delivered_total[$__rate_interval]))", "delivered"},
		}},
		{"Bytes", "Bps", []query{
			{"sum by (direction) (rate(hpfriends_client_bytes_total[$__rate_interval]))", "{{direction}}"},
		}},
		{"Published, by channel", "cps", []query{
			{"topk(10, sum by (chan) (rate(hpfeeds_broker_receive_publish_count_total[$__rate_interval])))", "{{chan}}"},
		}},
	}},
	{"Clients", []panel{
		{"Connections", "short", []query{
			{"hpfeeds_broker_client_connections", "{{instance}}: logged in"},
			{"hpfriends_sessions", "{{instance}}: all"},
		}},
		{"Refusals", "cps", []query{
			{"sum by (category) (rate(hpfeeds_broker_connection_error_total[$__rate_interval]))", "{{category}}"},
		}},
		{"Subscribers that fell behind", "cps", []query{
			{"rate(hpfeeds_broker_connection_send_buffer_deadline_start_total[$__rate_interval])", "{{instance}}"},
		}},
		{"Subscribers that go on from the log", "short", []query{{"hpfriends_subscribers_lagging", "{{instance}}"}}},
	}},
	{"Log", []panel{
		{"Size", "bytes", []query{
			{"hpfriends_log_bytes", "{{instance}}: entries"},
			{"hpfriends_log_disk_bytes", "{{instance}}: files"},
		}},
		{"Waiting to be committed", "bytes", []query{{"hpfriends_uncommitted_bytes", "{{instance}}"}}},
		{"Applied and not routed yet", "short", []query{
			{"hpfriends_log_applied_index - hpfriends_log_routed_index", "{{instance}}"},
		}},
	}},
	{"Times", []panel{
		{"Syncs of the log", "s", quantiles("hpfriends_log_sync_duration_seconds")},
		{"Commits of messages", "s", quantiles("hpfriends_raft_commit_duration_seconds")},
		{"Applying", "s", quantiles("hpfriends_raft_apply_duration_seconds")},
	}},
	{"Pages and API", []panel{
		{"Answers", "s", quantiles("hpfriends_http_request_duration_seconds")},
		{"The slowest answers, by route", "s", []query{{
			"topk(10, " + quantile("0.99", "hpfriends_http_request_duration_seconds", "route") + ")", "{{route}}",
		}}},
		{"Answers, by class", "reqps", []query{
			{"sum by (code) (rate(hpfriends_http_request_duration_seconds_count[$__rate_interval]))", "{{code}}"},
		}},
	}},
	{"Cluster", []panel{
		{"Leader", "short", []query{{"hpfriends_raft_leader", "{{instance}}"}}},
		{"Behind the others", "s", []query{{"hpfriends_cluster_lag_seconds", "{{instance}}"}}},
		{"Voters that may fail", "short", []query{{"min(hpfriends_cluster_quorum_spare)", "spare"}}},
	}},
	{"Sharing graph", []panel{
		{"Users and groups", "short", []query{
			{"max(hpfriends_users)", "users"}, {"max(hpfriends_groups)", "groups"},
		}},
		{"Authkeys", "short", []query{{"max(hpfriends_authkeys)", "authkeys"}}},
		{"Shares", "short", []query{{"max(hpfriends_shares)", "shares"}}},
	}},
	{"Process", []panel{
		{"Processor", "percentunit", []query{{"rate(process_cpu_seconds_total[$__rate_interval])", "{{instance}}"}}},
		{"Memory", "bytes", []query{{"process_resident_memory_bytes", "{{instance}}"}}},
		{"Open files", "short", []query{{"process_open_fds", "{{instance}}"}}},
	}},
}

// quantile asks for a quantile of a histogram, by a label.
func quantile(q, histogram, label string) string {
	return "histogram_quantile(" + q + ", sum by (" + label + ", le) (rate(" + histogram + "_bucket[$__rate_interval])))"
}

// quantiles asks for the median of a histogram and for what 99 of 100 do not exceed, of each node.
func quantiles(histogram string) []query {
	return []query{
		{quantile("0.5", histogram, "instance"), "{{instance}}: p50"},
		{quantile("0.99", histogram, "instance"), "{{instance}}: p99"},
	}
}

// The parts of Grafana's dashboard model that are used, as of its schema version 39:
// https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
type (
	object map[string]any
	array  []any
)

const (
	columns = 24 // of Grafana's grid
	height  = 8  // of a panel
)

// Dashboard returns a Grafana dashboard as JSON, to be imported. It asks for the Prometheus data source.
func Dashboard() ([]byte, error) {
	source := object{"type": "prometheus", "uid": "${source}"}
	var panels array
	id, y := 0, 0
	for _, r := range rows {
		id++
		panels = append(panels, object{
			"id": id, "type": "row", "title": r.title, "collapsed": false, "panels": array{},
			"gridPos": object{"x": 0, "y": y, "w": columns, "h": 1},
		})
		y++
		width := columns / len(r.panels)
		for i, p := range r.panels {
			id++
			panels = append(panels, p.model(id, i*width, y, width, source))
		}
		y += height
	}
	return json.MarshalIndent(object{
		"title": "hpfriends", "uid": "hpfriends", "schemaVersion": 39, "editable": true, "refresh": "30s",
		"time": object{"from": "now-6h", "to": "now"}, "panels": panels,
		"templating": object{"list": array{object{
			"name": "source", "type": "datasource", "query": "prometheus", "label": "Data source",
		}}},
	}, "", "  ")
}

func (p panel) model(id, x, y, width int, source object) object {
	var targets array
	for i, q := range p.queries {
		targets = append(targets, object{
			"refId": string(rune('A' + i)), "expr": q.expr, "legendFormat": q.legend, "datasource": source,
		})
	}
	return object{
		"id": id, "type": "timeseries", "title": p.title, "datasource": source, "targets": targets,
		"gridPos":     object{"x": x, "y": y, "w": width, "h": height},
		"fieldConfig": object{"defaults": object{"unit": p.unit, "min": 0}, "overrides": array{}},
		"options": object{
			"tooltip": object{"mode": "multi"}, "legend": object{"displayMode": "list", "placement": "bottom"},
		},
	}
}
