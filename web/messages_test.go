package web

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/ndjson"
	"hpfriends/query/traffic"
	"hpfriends/query/view"
	"hpfriends/wire"
)

// publish appends messages of one origin as one entry of the log, a second after the one before.
func (w *world) publish(origin graph.UserID, channel string, payloads ...string) {
	w.t.Helper()
	w.publishAll(origin, []string{channel}, payloads...)
}

// publishAll appends one batch, of the payloads on each channel.
func (w *world) publishAll(origin graph.UserID, channels []string, payloads ...string) {
	w.t.Helper()
	index := w.events.Applied() + 1
	var b entry.Builder
	for _, channel := range channels {
		var frames []byte
		for _, p := range payloads {
			frames = wire.AppendPublish(frames, "key", channel, []byte(p))
		}
		b.Add(channel, 1, uint64(origin), 1_700_000_000_000+1000*int64(index), netip.Addr{}, frames, len(payloads))
	}
	data := b.Encode([16]byte{1}, index)
	h, err := entry.DecodeHeader(data)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.events.LogStore().StoreLogs([]*raft.Log{{Index: index, Term: 1, Type: raft.LogCommand,
		Data: data}}); err != nil {
		w.t.Fatal(err)
	}
	tx := w.events.Begin()
	tx.IndexBatch(index, h)
	if err := tx.Commit(index); err != nil {
		w.t.Fatal(err)
	}
}

// records reads a stream to its end.
func records(t *testing.T, r io.Reader) (messages []ndjson.Message, end *ndjson.End) {
	t.Helper()
	lines := bufio.NewReaderSize(r, 256<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return messages, end
		}
		rec, err := ndjson.Parse(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if rec.Message != nil {
			messages = append(messages, *rec.Message)
		}
		end = rec.End
	}
}

// Everybody gets what they may read, in the order they ask for, counted alike, and a last line that says that it is
// all.
func TestMessagesStream(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob", "eve") // 1, 2, 3
	s := must[api.Created](w, as("ada"), "POST /api/v1/shares", object{"channel": "c", "to": "bob", "history": "full"})
	must[struct{}](w, as("bob"), fmt.Sprintf("POST /api/v1/shares/%d/accept", s.ID), object{})
	w.publish(1, "c", "one", "\xff\x00", "\x1b]0;x\x07\n{\"end\":true}") // #6
	w.publish(1, "private", "two")                                       // #7
	w.publish(2, "c", "three")                                           // #8
	for _, tt := range []struct{ who, query, want, next string }{
		{"ada", "channel=*", `#6.0 #6.1 #6.2 #7.0`, "#9.0"},
		{"bob", "channel=*", `#6.0 #6.1 #6.2 #8.0`, "#9.0"},
		{"eve", "channel=*", ``, "#9.0"},
		{"operator", "channel=*", `#6.0 #6.1 #6.2 #7.0 #8.0`, "#9.0"},
		{"operator", "channel=private&channel=x*", `#7.0`, "#9.0"},
		{"ada", "channel=*&order=newest&limit=2", `#7.0 #6.2`, "#6.2"},
		{"ada", "channel=*&limit=2", `#6.0 #6.1`, "#6.2"},
		{"ada", "channel=*&from=%236.2&until=7.0", `#6.2`, "#7.0"},
		{"ada", "channel=*&since=@1700000007", `#7.0`, "#9.0"},
		{"ada", "channel=*&until=@1700000007&from=first", `#6.0 #6.1 #6.2`, "#7.0"},
		{"ada", "channel=*&until=first", ``, "#1.0"},
	} {
		c := as(tt.who)
		if tt.who == "operator" {
			c = operator()
		}
		rec := w.send(c, "GET /api/v1/messages?"+tt.query, nil)
		if rec.Code != 200 || rec.Header().Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%s %s: %d %s", tt.who, tt.query, rec.Code, rec.Body)
			continue
		}
		all, end := records(t, rec.Body)
		var got []string
		for _, m := range all {
			got = append(got, m.Position)
		}
		if strings.Join(got, " ") != tt.want || end == nil ||
			*end != (ndjson.End{End: true, Messages: uint64(len(all)), Next: tt.next}) {
			t.Errorf("%s %s: %v, %+v, want %s, next %s", tt.who, tt.query, got, end, tt.want, tt.next)
		}
		if !strings.Contains(tt.query, "order") {
			if n := must[view.Count](w, c, "GET /api/v1/messages/count?"+tt.query, nil); n.Messages != uint64(len(all)) ||
				n.Next != tt.next && len(all) > 0 {
				t.Errorf("%s %s: counted %+v", tt.who, tt.query, n)
			}
		}
	}
	all, _ := records(t, w.send(as("bob"), "GET /api/v1/messages?channel=c", nil).Body)
	if m := all[1]; string(m.Payload) != "\xff\x00" || string(m.Ident) != "key" || m.Origin != "ada" ||
		m.Time.UnixMilli() != 1_700_000_006_000 {
		t.Errorf("%+v", m)
	}
	if string(all[2].Payload) != "\x1b]0;x\x07\n{\"end\":true}" {
		t.Errorf("%q", all[2].Payload)
	}
}

func TestMessagesRefuses(t *testing.T) {
	w := newWorld(t)
	w.users("ada")
	for q, want := range map[string]string{
		"": "channel", "channel=$x": "reserved", "channel=a*b": "before its end", "channel=": "channel",
		"channel=c&since=soon":  "since: \\\"soon\\\" is not a time",
		"channel=c&from=%23x":   "from: \\\"#x\\\" is not a time or a position",
		"channel=c&until=1.2.3": "until:", "channel=c&order=up": "order", "channel=c&limit=-1": "limit",
		"channel=c&since=1h&from=first": "give one of them", "channel=c&chanel=d": "chanel",
	} {
		for _, path := range []string{"/messages?", "/messages/count?"} {
			if path == "/messages/count?" && strings.Contains(q, "order") {
				continue
			}
			rec := w.send(as("ada"), "GET /api/v1"+path+q, nil)
			if rec.Code != 422 || rec.Header().Get("Content-Type") != api.ProblemType ||
				!strings.Contains(rec.Body.String(), want) {
				t.Errorf("%s%s: %d %s, want %s", path, q, rec.Code, rec.Body, want)
			}
		}
	}
}

// serveStreams serves a world's socket with limits of time that a long answer exceeds, and 8 MB of messages in it.
func serveStreams(t *testing.T) (w *world, path string) {
	t.Helper()
	w = newWorld(t)
	w.users("ada")
	r := rand.New(rand.NewPCG(1, 1))
	for range 128 {
		payload := make([]byte, 48<<10)
		for i := range payload {
			payload[i] = byte(r.Uint32())
		}
		w.publish(1, "c", string(payload))
	}
	path = t.TempDir() + "/s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: w.socket, ReadTimeout: 200 * time.Millisecond, WriteTimeout: 200 * time.Millisecond}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-served
	})
	return w, path
}

func get(t *testing.T, path string) *http.Response {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn,
		error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	t.Cleanup(client.CloseIdleConnections)
	res, err := client.Get("http://x/api/v1/messages?channel=" + url.QueryEscape("*"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// paused reads a little more slowly than the server's limits allow for a whole answer.
type paused struct{ r io.Reader }

func (p paused) Read(b []byte) (int, error) {
	time.Sleep(2 * time.Millisecond)
	return p.r.Read(b[:min(len(b), 32<<10)])
}

// An answer may take longer than a request otherwise may, as long as somebody reads it.
func TestLongStreamIsWhole(t *testing.T) {
	w, path := serveStreams(t)
	begin := time.Now()
	all, end := records(t, paused{get(t, path).Body})
	if len(all) != 128 || end == nil || !end.End {
		t.Errorf("%d messages, %+v after %s; %s", len(all), end, time.Since(begin), w.logged)
	}
	if took := time.Since(begin); took < 300*time.Millisecond {
		t.Errorf("took %s: this test is too fast to find anything", took)
	}
}

// Who does not read is let go, and what they have does not look whole.
func TestStalledReaderIsLetGo(t *testing.T) {
	w, path := serveStreams(t)
	w.server.v1.ChunkTimeout = 100 * time.Millisecond
	res := get(t, path)
	time.Sleep(500 * time.Millisecond)
	rest, err := io.ReadAll(res.Body)
	if err == nil || len(rest) > 4<<20 {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
	if _, end := records(t, bytes.NewReader(rest)); end != nil {
		t.Errorf("it looks whole: %+v", end)
	}
}

// Messages with the same address or hash are found from each other, on the page and by the API.
func TestMessagesAreFoundByWhatTheyContain(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "bob") // 1, 2
	const hash = "5be8687a56877779cb325ea1458df3fb"
	w.publish(1, "dionaea.capture", `{"saddr":"192.0.2.20","md5":"`+hash+`","url":"x","<b>":["10.0.0.1"]}`, "noise") // #3
	w.publish(1, "cowrie.sessions", "noise", `{"peer":"192.0.2.20"}`)                                                // #4
	w.publish(2, "cowrie.sessions", `{"peer":"192.0.2.20"}`)                                                         // #5
	for _, tt := range []struct{ who, query, want string }{
		{"ada", "channel=*&text=192.0.2.20", "#3.0 #4.1"},
		{"ada", "channel=*&text=192.0.2.20&order=newest&limit=1", "#4.1"},
		{"bob", "channel=*&text=" + hash, ""},
	} {
		got, end := records(t, w.send(as(tt.who), "GET /api/v1/messages?"+tt.query, nil).Body)
		var at []string
		for _, m := range got {
			at = append(at, m.Position)
		}
		if strings.Join(at, " ") != tt.want || end == nil || end.Messages != uint64(len(at)) {
			t.Errorf("%s %s: %s", tt.who, tt.query, at)
		}
	}
	_, html := w.page("ada", "/m/3.0")
	if !says(html, "Messages with the same <b> 10.0.0.1 md5 "+hash+" saddr 192.0.2.20") {
		t.Error(text(html))
	}
	if _, html = w.page("ada", "/history?since=first&text="+hash); !strings.Contains(html, "/m/3.0") ||
		strings.Contains(html, "/m/3.1") || strings.Contains(html, "/m/4.1") {
		t.Error(text(html))
	}
	_, lines := w.page("ada", "/history/download?since=first&text="+hash)
	if strings.Count(lines, "\n") != 2 {
		t.Errorf("the file has more: %s", lines)
	}
}

// A share tells what it has delivered in the last day to whoever takes it: of type own what its owner published, of
// type all also what reaches the owner; not what came before the share or before the day, and of a share that nobody
// has enabled nothing.
func TestSharesTellWhatTheyHaveDelivered(t *testing.T) {
	w := newWorld(t)
	w.off = time.Until(time.UnixMilli(1_700_000_000_000)) // when the messages of this world are
	w.users("ada", "bob", "cleo", "dora")
	w.publish(1, "c.x", "before the share")
	// A change, and the graph is as far as the log.
	must[struct{}](w, as("ada"), "PATCH /api/v1/users/ada", object{"name": "Ada"})
	share := func(owner, channel, to, kind string) string {
		return itoa(must[api.Created](w, as(owner), "POST /api/v1/shares",
			object{"channel": channel, "to": to, "type": kind}).ID)
	}
	toBob, toCleo := share("ada", "c.*", "bob", "own"), share("bob", "c.*", "cleo", "all")
	unseen := share("ada", "d", "bob", "own")
	own, back := share("bob", "c.x", "ada", "own"), share("cleo", "c.x", "bob", "own")
	must[struct{}](w, as("bob"), "POST /api/v1/shares/"+back+"/accept", nil)
	for who, id := range map[string]string{"bob": toBob, "cleo": toCleo, "ada": own} {
		must[struct{}](w, as(who), "POST /api/v1/shares/"+id+"/accept", nil)
	}
	many := make([]string, traffic.DefaultLimits().Unwanted+100) // then what is asked for is looked for by itself
	for i := range many {
		many[i] = fmt.Sprintf("c.%d", i)
	}
	w.publishAll(4, many, "of dora, who shares nothing")
	w.publish(1, "c.x", "1", "2")
	w.publish(1, "c.y", "3")
	w.publish(1, "d", "nobody has enabled it")
	w.publish(2, "c.x", "of bob")
	w.publish(3, "c.x", "of cleo, which does not come back to her")
	delivered := func(who string, in bool) string {
		var all []string
		for _, s := range must[[]view.Share](w, as(who), fmt.Sprintf("GET /api/v1/shares?delivered=true&in=%v", in), nil) {
			if s.Delivered == nil {
				all = append(all, fmt.Sprintf("%d none", s.ID))
			} else {
				all = append(all, fmt.Sprintf("%d %d", s.ID, s.Delivered.Messages))
			}
		}
		return strings.Join(all, ", ")
	}
	for _, tt := range []struct {
		who  string
		in   bool
		want string
	}{
		{"ada", false, toBob + " 3, " + unseen + " none"},
		{"bob", true, toBob + " 3, " + unseen + " none, " + back + " 1"},
		{"bob", false, toCleo + " 5, " + own + " 1"}, {"cleo", true, toCleo + " 4"}, {"ada", true, own + " 1"},
	} {
		if got := delivered(tt.who, tt.in); got != tt.want {
			t.Errorf("%s, in %v: %s, want %s", tt.who, tt.in, got, tt.want)
		}
	}
	for address, want := range map[string]string{"/shares": `class="number">3<`, "/incoming": `class="number">1<`} {
		if _, html := w.page("ada", address); !strings.Contains(html, want) {
			t.Errorf("%s: %s", address, text(html))
		}
	}
	w.off += 25 * time.Hour
	if got := delivered("cleo", true); got != toCleo+" 0" {
		t.Errorf("a day later: %s", got)
	}
}
