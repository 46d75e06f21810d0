package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/query/view"
)

// publishLater appends a message to the log, behind the newest change of the graph.
func (w *world) publishLater(origin uint64, channel string) {
	w.t.Helper()
	for {
		index := w.events.Applied() + 1
		data, apply := []byte{byte(entry.KindReport)}, func(*eventlog.Tx) {}
		last := index > w.newest().Index()
		if last {
			var b entry.Builder
			b.Add(channel, 1, origin, 1_700_000_000_000+int64(index), netip.Addr{}, []byte{0, 0, 0, 8, 3, 1, 'x', 0}, 1)
			data = b.Encode([16]byte{1}, index)
			h, err := entry.DecodeHeader(data)
			if err != nil {
				w.t.Fatal(err)
			}
			apply = func(tx *eventlog.Tx) { tx.IndexBatch(index, h) }
		}
		if err := w.events.LogStore().StoreLogs([]*raft.Log{{Index: index, Term: 1, Type: raft.LogCommand,
			Data: data}}); err != nil {
			w.t.Fatal(err)
		}
		tx := w.events.Begin()
		apply(tx)
		if err := tx.Commit(index); err != nil {
			w.t.Fatal(err)
		}
		if last {
			return
		}
	}
}

// Who finds what: each line is one request, and what it names for each user.
func TestWhoFindsWhat(t *testing.T) {
	w := rights(t)
	must[struct{}](w, as("ada"), "PATCH /api/v1/authkeys/ada%2F1", object{"comment": "secret sauce"})
	must[struct{}](w, as("bob"), "POST /api/v1/shares/9/accept", object{})
	w.publishLater(1, "c")        // ada's, shared with bob
	w.publishLater(1, "d.ada")    // ada's alone
	w.publishLater(3, "c.\xff/.") // cleo's
	tx := w.events.BeginUpdate()
	row := entry.Refusal{
		Ident: "ada/1", Message: "Authkey not allowed to publish here.", Channel: "dx", Addr: "192.0.2.9", Count: 1,
	}
	key, refused := append(eventlog.IndexKey(1), "0123456789abcdef"...), row.AppendStored(nil)
	tx.Put(eventlog.SpaceLogs, key, refused)
	tx.Put(eventlog.SpaceRecent, eventlog.RecentKey(time.Time{}, key), refused)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	who := []string{"ada", "bob", "cleo", "eve", "root", "operator"}
	all := func(s string) [6]string { return [6]string{s, s, s, s, s, s} }
	odd := "c.\ufffd/."
	tests := []struct {
		route string
		want  [6]string // in the order of who
	}{
		{"GET /api/v1/search?q=AUTHKEY+allowed", [6]string{"log ada/1", "", "", "log ada/1", "log ada/1", "log ada/1"}},
		{"GET /api/v1/search?q=sauce", [6]string{"authkey ada/1", "", "", "authkey ada/1", "authkey ada/1", "authkey ada/1"}},
		{"GET /api/v1/search?q=c&kind=channel", [6]string{"channel c", "channel c", "channel c, channel " + odd,
			"channel c, channel " + odd, "channel c, channel " + odd, "channel c, channel " + odd}},
		{"GET /api/v1/search?q=d.ada", [6]string{"channel d.ada", "", "", "channel d.ada", "channel d.ada", "channel d.ada"}},
		{"GET /api/v1/search?q=c&kind=share", [6]string{"share 9", "share 9, share 12", "share 12", "share 9, share 12",
			"share 9, share 12", "share 9, share 12"}},
		{"GET /api/v1/search?q=BOB&kind=user,group", all("user bob")},
		{"GET /api/v1/search?q=LAB&kind=user,group", all("group lab")},
		{"GET /api/v1/search?q=nothing", all("")},
		{"GET /api/v1/search?q=+", all("422")},
		{"GET /api/v1/search", all("422")},
		{"GET /api/v1/search?q=x&kind=token", all("422")},
		{"GET /api/v1/search?q=x&limit=0", all("422")},
		{"GET /api/v1/search?q=x&after=zz", all("422")},

		{"GET /api/v1/channels", [6]string{"c, d.ada", "c", odd, "c, " + odd + ", d.ada",
			"c, " + odd + ", d.ada", "c, " + odd + ", d.ada"}},
		{"GET /api/v1/channels?prefix=d", [6]string{"d.ada", "", "", "d.ada", "d.ada", "d.ada"}},
		{"GET /api/v1/channels/top?limit=1", [6]string{"c", "c", odd, "c", "c", "c"}},
		{"GET /api/v1/channels/top?by=bytes&window=1h", all("")}, // they are from 2023
		{"GET /api/v1/channels/top?by=age", all("422")},
		{"GET /api/v1/channels/top?window=soon", all("422")},
		{"GET /api/v1/channel?name=c", [6]string{"c by ada", "c by ada", "404", "c by ada", "c by ada", "c by ada"}},
		{"GET /api/v1/channel?name=d.ada",
			[6]string{"d.ada by ada", "404", "404", "d.ada by ada", "d.ada by ada", "d.ada by ada"}},
		{"GET /api/v1/channel?name=c.%FF%2F.",
			[6]string{"404", "404", odd + " by cleo", odd + " by cleo", odd + " by cleo", odd + " by cleo"}},
		{"GET /api/v1/channel?name=no+such", all("404")},
		{"GET /api/v1/channel", all("422")},
	}
	for _, tt := range tests {
		for i, user := range who {
			c := as(user)
			if user == "operator" {
				c = operator()
			}
			rec := w.send(c, tt.route, nil)
			got := fmt.Sprint(rec.Code)
			if rec.Code == http.StatusOK {
				got = summary(t, rec.Body.Bytes())
			}
			if got != tt.want[i] {
				t.Errorf("%s as %s: %s, want %s: %s", tt.route, user, got, tt.want[i], rec.Body)
			}
		}
		if rec := w.send(caller{}, tt.route, nil); rec.Code != http.StatusUnauthorized {
			t.Errorf("%s without credentials: %d", tt.route, rec.Code)
		}
	}
	must[struct{}](w, operator(), "PATCH /api/v1/users/bob", object{"enabled": false})
	for _, tt := range tests {
		if rec := w.send(as("bob"), tt.route, nil); rec.Code == http.StatusOK {
			t.Errorf("%s as a disabled user: %s", tt.route, rec.Body)
		}
	}
}

// summary names what an answer holds: hits, channels, or one channel with its origins.
func summary(t *testing.T, body []byte) string {
	t.Helper()
	var answer any
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var names []string
	if one, ok := answer.(object); ok && one["origins"] != nil {
		return fmt.Sprintf("%v by %v", one["name"], one["origins"].([]any)[0].(object)["user"])
	} else if ok {
		answer = one["hits"]
	}
	for _, v := range answer.([]any) {
		hit := v.(object)
		kind, ok := hit["kind"].(string)
		if !ok {
			names = append(names, hit["name"].(string))
			continue
		}
		thing := hit[kind].(object)
		for _, field := range []string{"ident", "identifier", "handle", "name", "id"} {
			if thing[field] != nil {
				names = append(names, fmt.Sprint(kind, " ", thing[field]))
				break
			}
		}
	}
	return strings.Join(names, ", ")
}

// The list of channels comes in pages, whatever bytes their names are; so do hits of one kind.
func TestPagesOfChannels(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	// A page ends with \xfe.
	want := []string{"\x00", "\x00\x00", "\x01", "a", "a\x00b", "ab", "ac", "\xfd", "\xfe", "\xff"}
	for _, name := range want {
		w.publishLater(1, name)
	}
	name := func(c object) string {
		if raw, ok := c["raw"].(string); ok {
			var b []byte
			if err := json.Unmarshal([]byte(`"`+raw+`"`), &b); err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		return c["name"].(string)
	}
	var got []string
	for path := "/api/v1/channels?limit=3"; path != ""; {
		rec := w.send(as("ada"), "GET "+path, nil)
		var rows []object
		if err := json.Unmarshal(rec.Body.Bytes(), &rows); err != nil || len(rows) > 3 || len(got) > len(want) {
			t.Fatalf("%s: %v: %s", path, err, rec.Body)
		}
		for _, r := range rows {
			got = append(got, name(r))
		}
		path = strings.TrimSuffix(strings.TrimPrefix(rec.Header().Get("Link"), "<"), `>; rel="next"`)
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("%q, want %q", got, want)
	}
	var found []string
	for after := ""; ; {
		r := must[object](w, as("ada"), "GET /api/v1/search?q=a&kind=channel&limit=1&after="+url.QueryEscape(after), nil)
		for _, h := range r["hits"].([]any) {
			found = append(found, name(h.(object)["channel"].(object)))
		}
		next, more := r["next"].(string)
		if after = next; !more {
			break
		}
	}
	if fmt.Sprintf("%q", found) != `["a" "a\x00b" "ab" "ac"]` {
		t.Errorf("found %q", found)
	}
	for i := range 20 {
		w.publishLater(1, "b"+itoa(uint64(i)))
	}
	for q, want := range map[string]string{"a": "Channels 4 a", "b": "Channels 8, and more b0"} {
		if _, html := w.page("ada", "/search?q="+q); !says(html, want, "What to search for") {
			t.Errorf("%s: %s", q, text(html))
		}
	}
}

// Operators select by what is found is about; one that does not exist is refused, as the page says too.
func TestSearchByOperators(t *testing.T) {
	w := rights(t)
	must[struct{}](w, as("bob"), "POST /api/v1/shares/9/accept", object{})
	w.publishLater(1, "c")
	w.refusals(
		entry.Refusal{Owner: 1, Ident: "ada/1", Message: "Authkey not allowed to publish here.", Channel: "dx",
			Addr: "192.0.2.9", Count: 1, Index: 99, Last: time.Now()},
		entry.Refusal{Owner: 2, Ident: "bob/1", Message: "Pre-auth: x", Addr: "192.0.2.9", Count: 1, Index: 99})
	for _, tt := range []struct{ who, text, want string }{
		{"ada", `user:bob`, "user:bob share:9 group:lab"},
		{"cleo", `user:bob`, "user:bob share:12"},
		{"ada", `channel:c user:bob`, "share:9"},
		{"ada", `group:lab`, "group:lab share:10"},
		{"ada", `key:ada/1`, "log:ada/1 authkey:ada/1"},
		{"ada", `ip:192.0.2.9`, "log:ada/1"},
		{"bob", `ip:192.0.2.9`, "log:bob/1"},
		{"root", `ip:192.0.2.9 user:bob`, "log:bob/1"},
		{"ada", `ip:192.0.2.9 since:1h`, "log:ada/1"},
		{"ada", `ip:192.0.2.9 until:1h`, ""},
		{"ada", `"not allowed" key:ada`, "log:ada/1"},
		{"cleo", `ip:192.0.2.9`, ""},
		{"cleo", `key:ada`, ""},
	} {
		found := must[view.SearchResult](w, as(tt.who), "GET /api/v1/search?q="+escape(tt.text), nil)
		var got []string
		for _, h := range found.Hits {
			switch {
			case h.User != nil:
				got = append(got, "user:"+h.User.Handle)
			case h.Share != nil:
				got = append(got, fmt.Sprint("share:", h.Share.ID))
			case h.Group != nil:
				got = append(got, "group:"+h.Group.Name)
			case h.Log != nil:
				got = append(got, "log:"+h.Log.Identifier)
			case h.Authkey != nil:
				got = append(got, "authkey:"+h.Authkey.Ident)
			}
		}
		slices.Sort(got)
		want := strings.Fields(tt.want)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s searches for %s: %s, want %s", tt.who, tt.text, got, want)
		}
	}
	rec := w.send(as("ada"), "GET /api/v1/search?q="+escape("usr:bob"), nil)
	if rec.Code != http.StatusUnprocessableEntity ||
		!strings.Contains(rec.Body.String(), "there is no operator usr:") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	_, html := w.page("ada", "/search?q="+escape("usr:bob"))
	if !says(html, "There is no operator usr:", "or put it in quotes") {
		t.Error(text(html))
	}
}
