package web

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/internal/ndjson"
	"hpfriends/web/pages/attack"
)

// watcher is a browser that watches channels.
type watcher struct {
	t     *testing.T
	url   string
	last  string // id of the last event
	lines *bufio.Reader
	close func()
}

// watch opens a stream as a user, behind the last event that there was.
func (w *watcher) watch(user string) *http.Response {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set(api.AsHeader, user)
	if w.last != "" {
		r.Header.Set("Last-Event-ID", w.last)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.lines = bufio.NewReader(res.Body)
	w.close = func() { cancel(); res.Body.Close() }
	return res
}

// event reads the next event: its kind and the payloads of its messages. It is empty when the stream ends.
func (w *watcher) event() (kind string, payloads []string) {
	w.t.Helper()
	for {
		line, err := w.lines.ReadString('\n')
		if err != nil {
			return "", nil
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			kind = value
		case "id":
			w.last = value
		case "data":
			if r, err := ndjson.Parse([]byte(value)); err == nil && r.Message != nil {
				payloads = append(payloads, string(r.Message.Payload))
			} else if kind == "messages" && !strings.HasPrefix(value, `{"behind":`) && r.Gap == nil {
				w.t.Fatalf("%q: %v", value, err)
			}
		case "":
			if kind != "" {
				return kind, payloads
			}
		}
	}
}

// collect reads events until it has n messages.
func (w *watcher) collect(n int) (all []string) {
	for len(all) < n {
		kind, payloads := w.event()
		if kind != "messages" {
			w.t.Fatalf("%q instead of message %d", kind, len(all))
		}
		all = append(all, payloads...)
	}
	return all
}

// A stream that is cut off, wherever that is, goes on there: nothing is missing, nothing comes twice.
func TestLiveGoesOnWhereItWasCutOff(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	server := httptest.NewServer(w.socket)
	defer server.Close()
	defer w.server.live.Close()
	watching := &watcher{t: t, url: server.URL + "/live/messages?channel=c*&from=1"}
	var got, want []string
	number := 0
	publish := func(messages int) {
		var payloads []string
		for range messages {
			payloads = append(payloads, fmt.Sprint(number))
			number++
		}
		want = append(want, payloads...)
		w.publish(1, "c1", payloads...)
		w.publish(1, "other", "x")
		w.publish(2, "c1", "of bob")
	}
	publish(1200) // more than an event holds, in one entry of the log
	for round := range 4 {
		watching.watch("ada")
		if round == 0 {
			got = append(got, watching.collect(1)...) // cut off in the middle of what is there
		} else {
			publish(round)
			got = append(got, watching.collect(len(want)-len(got))...)
		}
		watching.close()
		publish(2)
	}
	watching.watch("ada")
	got = append(got, watching.collect(len(want)-len(got))...)
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%d messages of %d, or in another order", len(got), len(want))
	}
}

// A stream ends with the right to it, and with the server.
func TestLiveEndsWithItsReader(t *testing.T) {
	for name, end := range map[string]func(*world){
		"user disabled": func(w *world) {
			must[struct{}](w, operator(), "PATCH /api/v1/users/ada", object{"enabled": false})
		},
		"server closed": func(w *world) { w.server.live.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.users("ada")
			server := httptest.NewServer(w.socket)
			defer server.Close()
			defer w.server.live.Close()
			watching := &watcher{t: t, url: server.URL + "/live/messages?channel=c&from=1"}
			watching.watch("ada")
			w.publish(1, "c", "one")
			watching.collect(1)
			end(w)
			began := time.Now()
			if kind, _ := watching.event(); kind == "messages" {
				t.Error("it goes on")
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it ended after %v", took)
			}
		})
	}
}

// A stream holds what concerns its reader, as all else does; a bad question is refused before it opens.
func TestLiveShowsWhatTheReaderMaySee(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	server := httptest.NewServer(w.socket)
	defer server.Close()
	defer w.server.live.Close()
	w.publish(1, "c", "of ada", "needle of ada")
	w.publish(2, "c", "of bob")
	watching := &watcher{t: t, url: server.URL + "/live/messages?channel=c&from=1&text=needle"}
	watching.watch("ada")
	if got := watching.collect(1); len(got) != 1 || got[0] != "needle of ada" {
		t.Errorf("%q", got)
	}
	for query, want := range map[string]int{
		"": 422, "channel=a*b": 422, "channel=c&from=soon": 422, "channel=c": 200,
	} {
		watching := &watcher{t: t, url: server.URL + "/live/messages?" + query}
		if got := watching.watch("ada").StatusCode; got != want {
			t.Errorf("?%s: status %d, want %d", query, got, want)
		}
		watching.close()
	}
}

// The page Live begins with messages that contain the text anywhere, not only where a row shows it.
func TestLiveBeginsWithWhatContainsTheText(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	w.publish(1, "c", "begins "+strings.Repeat("x", 400)+" needle", "plain")
	for range 60 {
		w.publish(1, "c", "noise")
	}
	_, html := w.page("ada", "/live?text=needle")
	if !says(html, "1 message", "begins xxx") || says(html, "noise") || says(html, "plain") {
		t.Error(text(html))
	}
}

// The rows of the Logs are streamed to whom they concern, once each, and a stream goes on where it was.
func TestLogsAreStreamed(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob")
	row := func(owner, index uint64) entry.Refusal {
		return entry.Refusal{
			Owner: owner, Ident: fmt.Sprint("k", index), Message: "Message too large.", Index: index, Count: 1,
			Last: time.Unix(int64(index), 0),
		}
	}
	w.refusals(row(1, 5), row(2, 6))
	server := httptest.NewServer(w.socket)
	defer server.Close()
	defer w.server.live.Close()
	watching := &watcher{t: t, url: server.URL + "/live/logs?from=5"}
	watching.watch("ada")
	w.refusals(row(1, 5), row(2, 6), row(1, 7), row(1, 8))
	data := watching.data()
	if !strings.Contains(data, `"k7"`) || !strings.Contains(data, `"k8"`) || strings.Contains(data, `"k6"`) ||
		strings.Contains(data, `"k5"`) || strings.Index(data, "k7") > strings.Index(data, "k8") || watching.last != "#8.0" {
		t.Errorf("%q, at %s", data, watching.last)
	}
	watching.close()
	w.refusals(row(1, 5), row(2, 6), row(1, 7), row(1, 8), row(1, 9))
	watching.watch("ada")
	if data = watching.data(); !strings.Contains(data, `"k9"`) || strings.Contains(data, `"k8"`) {
		t.Errorf("after a break: %q", data)
	}
	watching.close()
	watching = &watcher{t: t, url: server.URL + "/live/logs?from=odd"}
	if res := watching.watch("ada"); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("from nowhere: %d", res.StatusCode)
	}
	watching.close()
}

// data is what the next event holds.
func (w *watcher) data() (all string) {
	w.t.Helper()
	for {
		line, err := w.lines.ReadString('\n')
		if err != nil {
			w.t.Fatal(err)
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case name == "id":
			w.last = value
		case name == "data":
			all += value + "\n"
		case line == "\n" && all != "":
			return all
		}
	}
}

// somewhere knows one address.
type somewhere struct{}

func (somewhere) Place(a netip.Addr) (attack.Place, bool) {
	return attack.Place{City: "Hanoi", Country: "VN", Lat: 21, Lon: 105, Known: true}, a.String() == "203.0.113.9"
}

// The map hears of what has a place, by its own coordinates or by its addresses, and of nothing else.
func TestAttacksAreStreamed(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	w.server.live.Places = somewhere{}
	server := httptest.NewServer(w.socket)
	defer server.Close()
	defer w.server.live.Close()
	w.publish(1, "c", `{"latitude":52.5,"longitude":13.4,"city":"Berlin","countrycode":"DE","type":"<b>"}`,
		`{"src_ip":"203.0.113.9","latitude2":1,"longitude2":2}`, `{"src_ip":"192.0.2.1"}`, `no JSON`,
		`{"latitude":200,"longitude":13.4}`)
	watching := &watcher{t: t, url: server.URL + "/live/attacks?channel=c&from=1"}
	watching.watch("ada")
	data := watching.data()
	watching.close()
	if strings.Count(data, `"position"`) != 2 || !strings.Contains(data, `"name":"Berlin, DE","lat":52.5,"lon":13.4`) ||
		!strings.Contains(data, `"name":"Hanoi, VN","lat":21`) || strings.Contains(data, "<b>") {
		t.Error(data)
	}
	_, html := w.page("ada", "/map?channel=c")
	if !says(html, "2 attacks", "Berlin, DE somewhere <b>", "Countries DE 1", "Cities Berlin 1") {
		t.Error(text(html))
	}
}
