package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hpfriends/graph"
	"hpfriends/query/view"
	"hpfriends/web/replay"
)

// outlet notes what is published.
type outlet struct {
	w       *world
	authkey graph.AuthkeyID
	pass    chan struct{} // nil: everything passes

	mu  sync.Mutex
	got []string
}

func (o *outlet) Publish(ctx context.Context, channel string, payload []byte) error {
	g := o.w.newest()
	key, _ := g.Authkey(o.authkey)
	if err := g.MayPublish(key, channel); err != nil {
		return err
	}
	if o.pass != nil {
		select {
		case <-o.pass:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, channel+" "+string(payload))
	return nil
}

func (o *outlet) Committed() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return uint64(len(o.got))
}

func (o *outlet) Flush(context.Context) error { return nil }

// replays is a world with a history, in which ada and bob have authkeys, and an outlet for what they replay.
func replays(t *testing.T) (*world, *outlet) {
	w := newWorld(t)
	o := &outlet{w: w}
	w.server.replay.Open = func(k graph.AuthkeyID, _ string) (replay.Outlet, error) {
		o.authkey = k
		return o, nil
	}
	t.Cleanup(w.server.replay.Close)
	w.users("ada", "bob", "root")
	for _, user := range []string{"ada", "bob"} {
		must[object](w, as(user), "POST /api/v1/authkeys", object{"ident": user, "pub": []string{"again", "c"}})
	}
	w.publish(1, "c", "one", "two", "\x1b[31m<script>alert(1)</script>")
	w.publish(2, "c", "of bob")
	w.publish(1, "d", "three")
	return w, o
}

// over waits for the end of a replay.
func (w *world) over(user string, id uint64) view.Replay {
	w.t.Helper()
	for range 500 {
		r := must[view.Replay](w, as(user), fmt.Sprintf("GET /api/v1/replays/%d", id), nil)
		if r.Over() {
			return r
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatal("the replay does not end")
	return view.Replay{}
}

// A replay that waits for its next message takes no place of a node's: however many are asleep, others begin.
func TestSleepingReplaysKeepNoPlace(t *testing.T) {
	w, _ := replays(t)
	for i := range 9 { // four replays each: more than a node has at work
		user := fmt.Sprintf("slow%d", i)
		w.users(user)
		must[object](w, as(user), "POST /api/v1/authkeys", object{"ident": user, "pub": []string{"c"}})
		g := w.newest()
		u, _ := g.UserByHandle(user)
		w.publish(u.ID, "c", "first")
		w.publish(u.ID, "c", "second")
	}
	for i := range 9 {
		user := fmt.Sprintf("slow%d", i)
		for range 4 {
			order := object{"channel": []string{"c"}, "from": "first", "authkey": user, "speed": "0.000001"}
			r := must[view.Replay](w, as(user), "POST /api/v1/replays", order)
			for r.Published == 0 && !r.Over() { // then it waits for the second
				time.Sleep(time.Millisecond)
				r = must[view.Replay](w, as(user), fmt.Sprintf("GET /api/v1/replays/%d", r.ID), nil)
			}
			if r.Over() {
				t.Fatalf("it does not wait: %+v", r)
			}
		}
	}
	order := object{"channel": []string{"*"}, "from": "first", "to": "again", "authkey": "ada"}
	r := must[view.Replay](w, as("ada"), "POST /api/v1/replays", order)
	if r = w.over("ada", r.ID); r.State != view.ReplayDone {
		t.Errorf("%+v", r)
	}
}

// A replay publishes what its user may read, unchanged and in order, to a channel that their authkey may publish on.
func TestReplayPublishesWhatItsUserMayRead(t *testing.T) {
	w, o := replays(t)
	order := object{"channel": []string{"*"}, "from": "first", "to": "again", "authkey": "ada"}
	r := must[view.Replay](w, as("ada"), "POST /api/v1/replays", order)
	if r = w.over("ada", r.ID); r.State != view.ReplayDone || r.Total != 4 || r.Published != 4 || r.User != "ada" {
		t.Errorf("%+v", r)
	}
	want := []string{"again one", "again two", "again \x1b[31m<script>alert(1)</script>", "again three"}
	if !slices.Equal(o.got, want) {
		t.Errorf("published %q, want %q", o.got, want)
	}

	order["dry_run"] = true
	r = must[view.Replay](w, as("ada"), "POST /api/v1/replays", order)
	if r = w.over("ada", r.ID); r.State != view.ReplayDone || r.Total != 4 || r.Published != 0 || len(o.got) != 4 {
		t.Errorf("a dry run: %+v", r)
	}

	// Without a channel each goes to its own. What the authkey may not publish is found before anything is published.
	r = must[view.Replay](w, as("ada"), "POST /api/v1/replays",
		object{"channel": []string{"*"}, "from": "first", "authkey": "ada"})
	if r = w.over("ada", r.ID); r.State != view.ReplayFailed || r.Published != 0 || len(o.got) != 4 ||
		!strings.Contains(r.Error, `"d"`) {
		t.Errorf("%+v", r)
	}
	for _, tt := range []struct {
		who  string
		set  object
		want int
	}{
		{"bob", object{}, http.StatusNotFound}, // the authkey of ada does not exist for him
		{"root", object{}, http.StatusForbidden},
		{"ada", object{"to": "private"}, http.StatusForbidden},
		{"ada", object{"to": "$audit"}, http.StatusForbidden},
		{"ada", object{"from": ""}, http.StatusUnprocessableEntity},
		{"ada", object{"speed": "fast"}, http.StatusUnprocessableEntity},
		{"ada", object{"rate": replay.MaxRate + 1}, http.StatusUnprocessableEntity},
		{"ada", object{"channel": []string{}}, http.StatusUnprocessableEntity},
	} {
		body := object{"channel": []string{"*"}, "from": "first", "to": "again", "authkey": "ada"}
		for k, v := range tt.set {
			body[k] = v
		}
		if rec := w.send(as(tt.who), "POST /api/v1/replays", body); rec.Code != tt.want {
			t.Errorf("%s with %v: %d %s, want %d", tt.who, tt.set, rec.Code, rec.Body, tt.want)
		}
	}
}

// With a text a replay takes the messages that contain it, on History as in the API, and counts these alone.
func TestReplayOfWhatContainsText(t *testing.T) {
	w, o := replays(t)
	const address = "/history?channel=*&since=first&text=t"
	form := []string{"do", "replay", "to", "again", "authkey", "ada", "speed", "max"}
	_, html := w.submit("ada", address, append(form, "dry", "1")...)
	if !says(html, "A replay would publish 3 messages.", "* containing t again ada dry run") || len(o.got) != 0 {
		t.Error(text(html))
	}
	w.submit("ada", address, form...)
	r := w.over("ada", 2)
	want := []string{"again two", "again \x1b[31m<script>alert(1)</script>", "again three"}
	if !slices.Equal(o.got, want) || r.Total != 3 || r.First == nil || r.Last == nil || r.Text != "t" {
		t.Errorf("published %q, want %q; %+v", o.got, want, r)
	}
}

// A replay is its user's: others neither see nor stop it, admins do. It ends with the right to publish.
func TestReplayIsStopped(t *testing.T) {
	w, o := replays(t)
	o.pass = make(chan struct{})
	start := func() uint64 {
		return must[view.Replay](w, as("ada"), "POST /api/v1/replays",
			object{"channel": []string{"*"}, "from": "first", "to": "again", "authkey": "ada"}).ID
	}
	id := start()
	o.pass <- struct{}{}
	path := fmt.Sprintf("/api/v1/replays/%d", id)
	if rec := w.send(as("bob"), "DELETE "+path, nil); rec.Code != http.StatusNotFound {
		t.Errorf("bob stops it: %d", rec.Code)
	}
	if all := must[[]view.Replay](w, as("bob"), "GET /api/v1/replays", nil); len(all) != 0 {
		t.Errorf("bob sees %v", all)
	}
	must[struct{}](w, as("ada"), "DELETE "+path, nil)
	if r := w.over("ada", id); r.State != view.ReplayStopped || r.Published != 1 || r.Total != 4 {
		t.Errorf("%+v", r)
	}
	id = start()
	must[struct{}](w, as("root"), fmt.Sprintf("DELETE /api/v1/replays/%d", id), nil)
	if r := w.over("root", id); r.State != view.ReplayStopped {
		t.Errorf("%+v", r)
	}
	id = start()
	o.pass <- struct{}{}
	must[struct{}](w, as("ada"), "PATCH /api/v1/authkeys/ada", object{"enabled": false})
	close(o.pass)
	if r := w.over("ada", id); r.State != view.ReplayFailed || r.Published > 3 {
		t.Errorf("goes on without its authkey: %+v", r)
	}
	o.pass = make(chan struct{})
	must[struct{}](w, as("ada"), "PATCH /api/v1/authkeys/ada", object{"enabled": true})
	for range 4 {
		start()
	}
	body := object{"channel": []string{"*"}, "from": "first", "to": "again", "authkey": "ada"}
	if rec := w.send(as("ada"), "POST /api/v1/replays", body); rec.Code != http.StatusConflict {
		t.Errorf("a fifth at once: %d", rec.Code)
	}
	w.server.replay.Close()
	for _, r := range must[[]view.Replay](w, as("root"), "GET /api/v1/replays", nil) {
		if !r.Over() {
			t.Errorf("%d goes on without its server", r.ID)
		}
	}
}

// What an authkey may not publish is said at once, by a count too. Those that may publish all that is shown are offered
// first.
func TestReplayAsksForTheRightFirst(t *testing.T) {
	w, o := replays(t)
	must[object](w, as("ada"), "POST /api/v1/authkeys", object{"ident": "zed", "pub": []string{"*"}})
	for address, want := range map[string]string{
		"/history?since=first":           "with authkey zed: * ada: again, c Speed",
		"/history?since=first&channel=c": "ada: again, c zed: *",
	} {
		if _, html := w.page("ada", address); !says(html, want) {
			t.Errorf("%s: %s", address, text(html))
		}
	}
	for _, address := range []string{"/history?since=first", "/history?since=first&text=t"} {
		for _, dry := range []string{"", "1"} {
			_, html := w.submit("ada", address, "do", "replay", "authkey", "ada", "dry", dry)
			if !says(html, `Nothing was published: no publish pattern of authkey ada matches "d"`) || len(o.got) != 0 {
				t.Error(o.got, text(html))
			}
		}
	}
	_, html := w.submit("ada", "/history?since=first&text=t", "do", "replay", "authkey", "zed", "dry", "1")
	if !says(html, "A replay would publish 3 messages.") {
		t.Error(text(html))
	}
}

// History replays what it selects: first counted, then published; the replay is listed there, and stopped.
func TestReplayFromHistory(t *testing.T) {
	w, o := replays(t)
	const address = "/history?channel=c&since=first"
	if _, html := w.page("ada", address); !says(html, "Replay", "To channel", "with authkey ada") {
		t.Error(text(html))
	}
	form := []string{"do", "replay", "to", "again", "authkey", "ada", "speed", "max", "rate", "100"}
	_, html := w.submit("ada", address, append(form, "dry", "1")...)
	if !says(html, "A replay would publish 3 messages.") || len(o.got) != 0 {
		t.Error(text(html))
	}
	_, html = w.submit("ada", address, form...)
	if !says(html, "Replay 2 has begun.", "Your replays on this node") || !strings.Contains(html, `value="first"`) {
		t.Error(text(html))
	}
	w.over("ada", 2)
	if len(o.got) != 3 {
		t.Errorf("published %q", o.got)
	}
	if _, html = w.page("ada", "/history/replays?channel=c"); !says(html, "2 c again ada done 3 of 3") ||
		strings.Contains(html, "hx-get") || strings.Contains(html, "<html") {
		t.Error(html)
	}
	if _, html = w.page("bob", "/history?since=first"); says(html, "Your replays") {
		t.Error("bob sees them")
	}
	if _, html = w.submit("ada", address, "do", "replay", "authkey", "bob"); !says(html, "There is no authkey bob") {
		t.Error(text(html))
	}
	o.pass = make(chan struct{})
	w.submit("ada", address, form...)
	_, html = w.page("ada", "/history/replays?channel=c")
	if !strings.Contains(html, `hx-get="/history/replays?channel=c"`) {
		t.Error(html)
	}
	if status, _ := w.submit("bob", address, "do", "stop", "replay", "3"); status != http.StatusNotFound {
		t.Errorf("bob stops it: %d", status)
	}
	if _, html = w.submit("ada", address, "do", "stop", "replay", "3"); !says(html, "Replay 3 is stopped.") {
		t.Error(text(html))
	}
	if r := w.over("ada", 3); r.State != view.ReplayStopped {
		t.Errorf("%+v", r)
	}
	tokyo := as("ada")
	tokyo.header.Set("Cookie", "zone=Asia/Tokyo")
	tokyo.header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := w.send(tokyo, "POST /history?channel=c&since=2023-11-15+07:00", "do=replay&authkey=ada&to=again&dry=1")
	if r := w.over("ada", 4); r.Total != 3 { // from 22:00 on, elsewhere
		t.Errorf("%d %+v", rec.Code, r)
	}
}
