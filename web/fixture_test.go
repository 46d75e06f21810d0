package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/query"
	"hpfriends/query/view"
)

// world is a server on a graph in memory: it decides changes as a node would, and keeps what it accepts.
type world struct {
	t      *testing.T
	server *Server
	tcp    http.Handler
	socket http.Handler
	events *eventlog.Log
	logged *bytes.Buffer // what the server logs
	answer *bytes.Buffer // every answer that was given, headers and bodies

	mu    sync.Mutex
	graph *graph.Graph
	fail  error         // of Change, instead of deciding
	off   time.Duration // of what the node takes the time to be from the machine's clock
	last  graph.Command
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, graph: graph.New(), logged: new(bytes.Buffer), answer: new(bytes.Buffer)}
	var err error
	if w.events, err = eventlog.Open(eventlog.Config{Dir: t.TempDir(),
		Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.events.Close() })
	key, err := secret.NewDataKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "test_total", Help: "x"}))
	w.server = New(Config{
		Changer: w, Cluster: cluster{}, Query: query.New(w.events, w.newest, nil), Key: key, Metrics: metrics,
		Node:   Node{Version: "1.2.3"},
		Ready:  func(context.Context) error { return nil },
		Logger: slog.New(slog.NewJSONHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	w.tcp, w.socket = w.server.Handler(), w.server.SocketHandler()
	return w
}

func (w *world) newest() *graph.Graph {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.graph
}

// Now implements v1.Changer.
func (w *world) Now() time.Time { return time.Now().Add(w.off) }

// Retention implements v1.Changer.
func (w *world) Retention() view.Retention {
	doubted := time.Date(2001, 1, 1, 12, 0, 0, 0, time.UTC)
	return view.Retention{
		Held: w.newest().Retention().Held, Clock: doubted, Now: doubted.Add(w.off), Warnings: []string{"look"},
	}
}

// Change implements Changer. It encodes the command and decodes it again, as the log does.
func (w *world) Change(_ context.Context, c graph.Command) (graph.Outcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return graph.Outcome{}, w.fail
	}
	if c.Time.IsZero() {
		c.Time = w.Now().UTC()
	}
	data, err := json.Marshal(c)
	if err != nil {
		return graph.Outcome{}, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return graph.Outcome{}, err
	}
	index := w.graph.Index() + 1
	next, out, err := w.graph.Apply(index, c)
	w.graph, w.last = next, c
	if err != nil {
		return out, err
	}
	return out, w.record(index, c.Time, data)
}

// record keeps an accepted change in the log and in the audit. A test that turns the graph back keeps its first
// history.
func (w *world) record(index uint64, at time.Time, command []byte) error {
	if last, _ := w.events.Last(); index <= last {
		return nil
	}
	entry := &raft.Log{Index: index, Term: 1, Type: raft.LogCommand,
		Data: append([]byte{byte(entry.KindChange)}, command...)}
	if err := w.events.LogStore().StoreLogs([]*raft.Log{entry}); err != nil {
		return err
	}
	newest, err := w.events.Audit().Newest()
	if err != nil {
		return err
	}
	tx := w.events.Begin()
	tx.PutAudit(newest.Next(index, at, command))
	return tx.Commit(index)
}

// caller is who sends a request: over TCP with a header of its own, or over the socket as a user.
type caller struct {
	socket bool
	header http.Header
	remote string
}

func as(user string) caller { return caller{socket: true, header: http.Header{api.AsHeader: {user}}} }

func operator() caller { return caller{socket: true} }

func bearer(token string) caller {
	return caller{header: http.Header{"Authorization": {"Bearer " + token}}}
}

func basic(handle, password string) caller {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(handle, password)
	return caller{header: r.Header}
}

// send sends a request; a body that is not nil goes as JSON.
func (w *world) send(c caller, route string, body any) *httptest.ResponseRecorder {
	w.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	var payload io.Reader
	if text, ok := body.(string); ok {
		payload = strings.NewReader(text)
	} else if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		payload = bytes.NewReader(data)
	}
	r := httptest.NewRequest(method, path, payload)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range c.header {
		r.Header[k] = v
	}
	r.RemoteAddr = "192.0.2.7:4711"
	h := w.tcp
	if c.socket {
		h, r.RemoteAddr = w.socket, "@"
	}
	if c.remote != "" {
		r.RemoteAddr = c.remote
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = rec.Header().Write(w.answer)
	w.answer.Write(rec.Body.Bytes())
	return rec
}

// must sends a request that succeeds, and decodes the answer.
func must[T any](w *world, c caller, route string, body any) T {
	w.t.Helper()
	rec := w.send(c, route, body)
	var v T
	if rec.Code/100 != 2 {
		w.t.Fatalf("%s: %d %s", route, rec.Code, rec.Body)
	}
	if rec.Code != http.StatusNoContent {
		if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
			w.t.Fatalf("%s: %v: %s", route, err, rec.Body)
		}
	}
	return v
}

type object = map[string]any

// users adds users; the last one is an admin if its name is root, an auditor if it is eve.
func (w *world) users(handles ...string) {
	w.t.Helper()
	for _, h := range handles {
		role := map[string]string{"root": "admin", "eve": "auditor"}[h]
		if role == "" {
			role = "member"
		}
		must[api.Created](w, operator(), "POST /api/v1/users", object{"handle": h, "role": role})
	}
}

// cluster answers for a cluster of one node.
type cluster struct{}

func (cluster) ClusterStatus(context.Context) (api.Cluster, error) {
	return api.Cluster{Node: "n1", Members: []api.ClusterMember{{ID: "n1", Clients: new(4), Standing: api.Standing{
		Traffic: &view.Traffic{MessagesIn: 2.5, MessagesOut: 5, BytesIn: 1 << 10, BytesOut: 2 << 10},
		Backup:  new(time.Now().Add(-90 * time.Minute)), BackupKind: view.StateOnly,
	}}, {ID: "n2", Role: "voter", Error: "n2 did not answer"}}}, nil
}

func (cluster) JoinToken(_ context.Context, t api.NewJoinToken, by string) (api.JoinToken, error) {
	return api.JoinToken{ID: "c0ffee", Token: "hpj_token-for-" + by, Expires: time.Now(), Uses: t.Uses}, nil
}

func (cluster) JoinTokens() ([]api.ListedJoinToken, error) {
	return []api.ListedJoinToken{{
		ID: "c0ffee", State: "used", By: "root", Uses: 2, Used: []api.JoinTokenUse{{Node: "n2"}, {Node: "n3"}},
	}, {ID: "decade", State: "good", By: "root", Uses: 1}}, nil
}

func (cluster) RemoveJoinToken(_ context.Context, id, _ string) error {
	if id != "decade" {
		return &graph.Error{Code: graph.NotFound, Msg: "there is no join token"}
	}
	return nil
}

func (cluster) Operate(context.Context, string, string, bool) error { return nil }

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

func escape(text string) string { return url.QueryEscape(text) }
