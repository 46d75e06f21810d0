package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/query"
	"hpfriends/query/view"
	"hpfriends/raftfsm"
)

// durable is a world on a real node, in which ada has an authkey with the cursor siem.
type durable struct {
	*world
	node    *raftfsm.Node
	cursors *raftfsm.Cursors
	key     uint64
}

func newDurable(t *testing.T) *durable {
	t.Helper()
	w := newWorld(t)
	node, err := raftfsm.Open(raftfsm.Config{Dir: t.TempDir(), Log: w.events, Logger: slog.New(slog.DiscardHandler),
		Fail: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := node.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &durable{world: w, node: node, cursors: raftfsm.NewCursors(node)}
	c := w.server.Config
	c.Changer, c.Cursors, c.Query = changer{node}, d.cursors, query.New(w.events, node.Graph, nil)
	c.Metrics = prometheus.NewRegistry()
	w.server = New(c)
	w.tcp, w.socket = w.server.Handler(), w.server.SocketHandler()
	w.users("ada", "bob", "eve", "root")
	d.key = must[api.Credential](w, as("ada"), "POST /api/v1/authkeys", object{"ident": "ada/1", "sub": []string{"*"}}).ID
	return d
}

func (d *durable) claim(name string) eventlog.Cursor {
	d.t.Helper()
	c, err := d.cursors.Claim(d.t.Context(), d.key, name, "c.*", eventlog.Position{Index: 3, Offset: 1})
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

func (d *durable) has(name string) (eventlog.Cursor, bool) {
	d.t.Helper()
	var found eventlog.Cursor
	if err := d.events.Cursors(d.key, func(c eventlog.Cursor) error {
		if c.Name == name {
			found = c
		}
		return nil
	}); err != nil {
		d.t.Fatal(err)
	}
	return found, found.Epoch != 0
}

func TestWhoMayWhatWithCursors(t *testing.T) {
	d := newDurable(t)
	who := []string{"ada", "bob", "eve", "root", "operator"}
	for _, tt := range []struct {
		route string
		body  any
		want  [5]int
	}{
		{"GET /api/v1/cursors", nil, [5]int{200, 200, 200, 200, 200}}, // the rows differ: below
		{"GET /api/v1/cursors?authkey=ada%2F1", nil, [5]int{200, 404, 200, 200, 200}},
		{"POST /api/v1/cursors/ada%2F1/siem/reset", object{"to": "first"}, [5]int{204, 404, 403, 204, 204}},
		{"POST /api/v1/cursors/ada%2F1/siem/reset", object{"to": "soon"}, [5]int{422, 422, 422, 422, 422}},
		{"POST /api/v1/cursors/ada%2F1/siem/reset", object{"to": "#999999"}, [5]int{422, 404, 403, 422, 422}},
		{"POST /api/v1/cursors/ada%2F1/siem/reset", object{}, [5]int{422, 422, 422, 422, 422}},
		{"POST /api/v1/cursors/ada%2F1/other/reset", object{"to": "now"}, [5]int{404, 404, 403, 404, 404}},
		{"DELETE /api/v1/cursors/ada%2F1/siem", nil, [5]int{204, 404, 403, 204, 204}},
		{"DELETE /api/v1/cursors/ada%2F1/other", nil, [5]int{404, 404, 403, 404, 404}},
		{"DELETE /api/v1/cursors/ada%2F1/" + strings.Repeat("n", 300), nil, [5]int{422, 404, 422, 422, 422}},
		{"DELETE /api/v1/cursors/nobody/siem", nil, [5]int{404, 404, 404, 404, 404}},
	} {
		for i, user := range who {
			c := as(user)
			if user == "operator" {
				c = operator()
			}
			before := d.claim("siem")
			rec := d.send(c, tt.route, tt.body)
			if rec.Code != tt.want[i] {
				t.Errorf("%s as %s: %d, want %d: %s", tt.route, user, rec.Code, tt.want[i], rec.Body)
			}
			after, _ := d.has("siem")
			if changed := after != before; changed != (rec.Code == 204) {
				t.Errorf("%s as %s: %d, but the cursor is %+v and was %+v", tt.route, user, rec.Code, after, before)
			}
		}
	}
}

func TestCursorsShowWhatIsYours(t *testing.T) {
	d := newDurable(t)
	d.claim("siem")
	epoch := d.claim("b").Epoch
	d.cursors.Finish(d.key, "b", epoch, eventlog.Position{Index: 5}, eventlog.Position{Index: 4})
	d.cursors.Flush(t.Context())
	for who, want := range map[string]string{"ada": "[siem b]", "bob": "[]", "eve": "[siem b]", "root": "[siem b]"} {
		names := []string{}
		for _, c := range must[[]view.Cursor](d.world, as(who), "GET /api/v1/cursors", nil) {
			names = append(names, c.Name)
		}
		if got := fmt.Sprint(names); got != want {
			t.Errorf("%s sees %s, want %s", who, got, want)
		}
	}
	got := must[[]view.Cursor](d.world, as("ada"), "GET /api/v1/cursors", nil)
	if c := got[0]; c.Authkey != "ada/1" || c.Channel != "c.*" || c.Position != "#3.1" || c.Acked != "#3.1" || !c.Held ||
		c.Next == nil || c.Removed {
		t.Errorf("the first is %+v", c)
	}
	if c := got[1]; c.Position != "#4.0" || c.Acked != "#5.0" || c.Held || c.Epoch != epoch ||
		c.Behind != d.events.Applied()-3 {
		t.Errorf("the second is %+v", c)
	}
	first := d.send(as("ada"), "GET /api/v1/cursors?limit=1", nil)
	link, ok := strings.CutSuffix(first.Header().Get("Link"), `>; rel="next"`)
	if !ok {
		t.Fatalf("no next page: %v", first.Header())
	}
	if rest := must[[]view.Cursor](d.world, as("ada"), "GET "+link[1:], nil); len(rest) != 1 || rest[0].Name != "b" {
		t.Errorf("the next page is %+v", rest)
	}
	must[struct{}](d.world, operator(), "PATCH /api/v1/users/ada", object{"enabled": false})
	if all := must[[]view.Cursor](d.world, operator(), "GET /api/v1/cursors", nil); len(all) != 2 {
		t.Errorf("the operator sees %d", len(all))
	}
}

// publish returns the index of the entry of one message.
func (d *durable) publish() uint64 {
	d.t.Helper()
	in := raftfsm.NewIngest(d.node, nil)
	ctx, stop := context.WithCancel(d.t.Context())
	done := make(chan struct{})
	go func() { in.Run(ctx, d.t.Context()); close(done) }()
	frame := []byte{0, 0, 0, 10, 3, 1, 'k', 1, 'c', 'x'}
	if err := in.Publish(ctx, &raftfsm.Source{Authkey: d.key, Origin: 1}, "c", frame, 1); err != nil {
		d.t.Fatal(err)
	}
	stop()
	<-done
	return d.events.Applied()
}

func TestResetGoesToThePlace(t *testing.T) {
	d := newDurable(t)
	d.claim("siem")
	d.publish()
	time.Sleep(5 * time.Millisecond) // times are of milliseconds
	between := time.Now().Add(-2 * time.Millisecond).Format(time.RFC3339Nano)
	later := d.publish()
	for to, want := range map[string]eventlog.Position{
		"first": {Index: d.events.Floor()}, "#2.7": {Index: 2, Offset: 7}, "2": {Index: 2}, between: {Index: later},
		"1h": {Index: later - 1},
	} {
		must[struct{}](d.world, as("ada"), "POST /api/v1/cursors/ada%2F1/siem/reset", object{"to": to})
		if c, _ := d.has("siem"); c.Safe != want || c.Acked != want || c.Held {
			t.Errorf("reset to %s: %+v, want %s", to, c, want)
		}
	}
	end := d.events.Applied() + 1
	for _, to := range []string{"now", "2999-01-01", "0s"} {
		must[struct{}](d.world, as("ada"), "POST /api/v1/cursors/ada%2F1/siem/reset", object{"to": to})
		if c, _ := d.has("siem"); c.Safe != (eventlog.Position{Index: end}) {
			t.Errorf("reset to %s: %s, want the end, #%d.0", to, c.Safe, end)
		}
		end++
	}
	if rec := d.send(as("ada"), "POST /api/v1/cursors/ada%2F1/siem/reset",
		object{"to": "whenever"}); !strings.Contains(rec.Body.String(), "a position like") {
		t.Errorf("a place that is none: %s", rec.Body)
	}
}

// changer has no retention to tell of.
type changer struct{ *raftfsm.Node }

func (changer) Retention() view.Retention { return view.Retention{} }

// Who may edit an authkey moves its durable subscriptions, and removes them, on its page.
func TestCursorsThroughThePages(t *testing.T) {
	d := newDurable(t)
	const form = "/authkey?ident=ada%2F1"
	if _, html := d.page("ada", form); !says(html, "Durable subscriptions None.") {
		t.Error(text(html))
	}
	d.claim("siem")
	if _, html := d.page("ada", form); !says(html, "siem c.* claimed #3.1") {
		t.Error(text(html))
	}
	if status, _ := d.submit("bob", form, "do", "move", "cursor", "siem", "to", "first"); status != http.StatusNotFound {
		t.Errorf("bob moves it: %d", status)
	}
	if status, html := d.submit("ada", form, "do", "move", "cursor", "siem", "to", "soon"); status != 422 ||
		!says(html, "siem c.* claimed #3.1") {
		t.Errorf("%d %s", status, text(html))
	}
	if _, html := d.submit("ada", form, "do", "move", "cursor", "siem", "to", " first "); !says(html,
		"The subscription siem goes on at first.", "siem c.* free #1.0") {
		t.Error(text(html))
	}
	d.submit("ada", form, "do", "forget", "cursor", "siem")
	if c, ok := d.has("siem"); ok {
		t.Errorf("there is still %+v", c)
	}
}

// Who may not move or remove a durable subscription has no form for it, and is refused.
func TestWhoMayWhatByFormsOfCursors(t *testing.T) {
	d := newDurable(t)
	const form = "/authkey?ident=ada%2F1"
	for user, want := range map[string]int{"ada": 200, "bob": 404, "eve": 403, "root": 200} {
		for _, fields := range [][]string{
			{"do", "move", "cursor", "siem", "to", "first"}, {"do", "forget", "cursor", "siem"},
		} {
			before := d.claim("siem")
			if _, html := d.page(user, form); strings.Contains(html, `value="`+fields[1]+`"`) != (want == 200) {
				t.Errorf("%s has a form to %s: %v", user, fields[1], want != 200)
			}
			status, html := d.submit(user, form, fields...)
			if after, _ := d.has("siem"); status != want || (after != before) != (want == 200) {
				t.Errorf("%s for %s: %d, want %d: %s", fields[1], user, status, want, text(html))
			}
		}
	}
}

// An authkey whose durable subscriptions cannot be read is edited all the same.
func TestAuthkeyIsShownWithoutItsCursors(t *testing.T) {
	d := newDurable(t)
	d.claim("siem")
	tx := d.events.BeginUpdate()
	if err := d.events.Scan(eventlog.SpaceCursors, nil, nil, func(k, _ []byte) error {
		tx.Put(eventlog.SpaceCursors, slices.Clone(k), []byte("damaged"))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if status, html := d.page("ada", "/authkey?ident=ada%2F1"); status != http.StatusOK ||
		!says(html, "Durable subscriptions They cannot be read now", "Publish on", "New secret") {
		t.Errorf("%d %s", status, text(html))
	}
}
