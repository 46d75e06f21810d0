package feed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/eventlog/entry"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/term"
	"hpfriends/wire"
	"hpfriends/wire/subscription"
)

// cutting answers with two messages at a time and breaks the connection, until it has ten.
func cutting(t *testing.T, asked *[]string) *api.Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		*asked = append(*asked, q.Get("since")+"|"+q.Get("from")+"|"+q.Get("limit"))
		n := 0
		_, _ = fmt.Sscanf(q.Get("from"), "#1.%d", &n)
		for i := n; i < min(n+2, 10); i++ {
			_, _ = w.Write(ndjson.Append(nil, ndjson.Message{Position: fmt.Sprintf("#1.%d", i), Channel: []byte("c"),
				Payload: fmt.Append(nil, i)}))
		}
		if n+2 < 10 {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(ndjson.AppendEnd(nil, ndjson.End{End: true, Messages: uint64(10 - n), Next: "#2.0"}))
	}))
	t.Cleanup(srv.Close)
	return api.Remote(srv.URL)
}

// An answer that is cut off is noticed. A replay, whose pauses make a server give up, asks for the rest; anybody else
// is told where to go on.
func TestAnswerThatIsCutOff(t *testing.T) {
	var asked, got []string
	begin := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	server := cutting(t, &asked)
	each := func(_ []byte, r ndjson.Record) error {
		got = append(got, string(r.Message.Payload))
		return nil
	}
	end, err := readMessages(t.Context(), server, past{channels: []string{"c"}, Range: subscription.Range{Since: begin},
		limit: 50, resume: true}, each)
	if err != nil || end.Messages != 10 || strings.Join(got, "") != "0123456789" {
		t.Errorf("%+v, %v, %v", end, err, got)
	}
	if want := []string{"2026-11-20T10:00:00Z||50", "|#1.2|48", "|#1.4|46", "|#1.6|44", "|#1.8|42"}; !slices.Equal(asked,
		want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
	_, err = readMessages(t.Context(), server, past{channels: []string{"c"}}, each)
	if code, text := cmdline.Explain(err); code != cmdline.ExitUnavailable || !strings.Contains(text, "cut off") ||
		!strings.Contains(text, "--from '#1.2'") {
		t.Errorf("%d, %s", code, text)
	}
	stop := errors.New("enough")
	if _, err := readMessages(t.Context(), server, past{resume: true},
		func([]byte, ndjson.Record) error { return stop }); err != stop {
		t.Errorf("an error of ours: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readMessages(ctx, server, past{resume: true}, each); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// Nothing in a message begins a line, reaches the terminal or ends the subscription, whatever the template does with
// it.
func TestTemplateOfHostileMessages(t *testing.T) {
	evil := "a\nforged line\x1b[2J\u202e\xff"
	payload := `{"s":"a\nforged \u001b[2J","k\nforged":1,"l":["\u009b"],"n":12345678901234567890}`
	for text, want := range map[string]string{
		`{{.Channel}} {{.Ident}}`:                         `a\nforged line\x1b[2J\u202e\xff a\nforged line\x1b[2J\u202e\xff`,
		`{{.JSON.s}}|{{index .JSON.l 0}}|{{.JSON.n}}`:     `a\nforged \x1b[2J|\u009b|12345678901234567890`,
		`{{range $k, $v := .JSON}}{{$k}} {{end}}`:         `k\nforged l n s `,
		`{{text .JSON.s}}`:                                `a\nforged \x1b[2J`,
		`{{json .JSON.s}}`:                                `"a\nforged \u001b[2J"`,
		`{{printf "%s" .Payload}}`:                        term.Visible(payload),
		`{{.JSON.missing}}`:                               `<no value>`,
		`{{if eq .JSON.s "a"}}yes{{else}}no{{end}}`:       `no`,
		`{{.Time.Year}} {{.Position}}`:                    `2026 `,
		`{{index .JSON.s 99}}`:                            `a\nforged\x20line\x1b[2J\u202e\xff a\nforged\x20line\x1b[2J\u202e\xff ` + term.Visible(payload),
		`{{slice .JSON.s 1 3 | printf "%v"}}`:             `\nf`,
		"{{.JSON.n}}\t" + `{{printf "%c" 27}}[31m`:        "12345678901234567890\t\\x1b[31m",
		`{{printf "%v" .JSON.l}}{{printf "%x" .JSON.s}}x`: "",
	} {
		tpl, err := parseTemplate(text, false)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		m := wire.Message{Channel: evil, Ident: evil, Payload: []byte(payload)}
		out := string(tpl.format(nil, &message{Message: m, time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}))
		if want != "" && out != want+"\n" {
			t.Errorf("%s: %q, want %q", text, out, want+"\n")
		}
		if strings.Count(out, "\n") != 1 || strings.ContainsAny(out, "\x1b\u009b\u202e\r") {
			t.Errorf("%s: %q is not one safe line", text, out)
		}
	}
	raw, err := parseTemplate(`{{.Payload}}`, true)
	if err != nil {
		t.Fatal(err)
	}
	if out := raw.format(nil, &message{Message: wire.Message{Payload: []byte(evil)}}); string(out) != evil {
		t.Errorf("raw: %q", out)
	}
}

// A cursor never gets ahead of a message that was not printed, whichever channel is ahead.
func TestCursorOfSeveralChannels(t *testing.T) {
	h := &subscriptions{}
	for _, channel := range []string{"a?from=first", "b*?from=first"} {
		h.subs = append(h.subs, follow(channel))
	}
	h.cursor = &cursorFile{path: t.TempDir() + "/cursor"}
	step := func(what string, do func(), want string) {
		t.Helper()
		do()
		if err := h.keep(true); err != nil {
			t.Fatal(err)
		}
		p, err := (&cursorFile{path: h.cursor.path}).read()
		if err != nil || p.String() != want {
			t.Errorf("after %s the cursor is %s, %v, want %s", what, p, err, want)
		}
	}
	message := func(channel string) func() {
		return func() {
			m := message{Message: wire.Message{Channel: channel + "@1700000000123"}}
			locate(&m)
			if err := h.passed(m.Channel, m.position); err != nil {
				t.Fatal(err)
			}
		}
	}
	done := func(s *followed, next string) func() {
		return func() {
			h.notice([]byte(`{"event":"done","live":true,"subscription":"` + s.text() + `","next":"` + next + `"}`))
		}
	}
	step("a message of a's history", message("a@9.1"), "#0.0")
	step("one of b's", message("bb@3.0"), "#3.1")
	step("the end of a's", done(h.subs[0], "#20.0"), "#3.1")
	step("more of b's, when a is live", message("bb@23.0"), "#20.0")
	step("a live one of a", message("a@25.0"), "#23.1")
	step("the end of b's", done(h.subs[1], "#24.0"), "#24.0")
	step("a live one of a, when both are live", message("a@27.3"), "#27.4")
	const query = "?from=%2327.4&notify=1&positions=1&times=1"
	if h.resume(); h.subs[0].text() != "a"+query || h.subs[0].live {
		t.Errorf("going on with %s", h.subs[0].text())
	}
	if _, finished := h.notice([]byte(`{"event":"done","subscription":"a` + query + `","next":"#30.0"}`)); finished {
		t.Error("one of two has ended, and it ends")
	}
	if _, finished := h.notice([]byte(`{"event":"done","subscription":"b*` + query + `","next":"#30.0"}`)); !finished {
		t.Error("both have ended, and it goes on")
	}
}

// What is confirmed after a refusal is not counted: nobody knows which messages those are.
func TestConfirmationsAfterARefusal(t *testing.T) {
	a := newAnswers(nil)
	a.confirm(3)
	a.decide(&wire.BrokerError{Text: "no"})
	a.confirm(9)
	if n, _, _ := a.progress(); n != 3 {
		t.Errorf("%d", n)
	}
}

// The audit and a durable subscription come on their own: however far ahead they are, the others go on where they were.
func TestWhatComesOnItsOwnMovesNothingElse(t *testing.T) {
	h := &subscriptions{}
	for _, channel := range []string{"a", "b*", subscription.Audit, "d?durable=x"} {
		h.subs = append(h.subs, follow(channel))
	}
	h.subs[3].live = true // as after the end of what it had missed
	at := func(index uint64) entry.Position { return entry.Position{Index: index} }
	for _, tt := range []struct {
		channel string
		at      uint64
		want    [4]uint64 // how far each has got
	}{
		{subscription.Audit, 900, [4]uint64{0, 0, 900, 0}},
		{"a", 100, [4]uint64{100, 100, 900, 0}},
		{"d", 500, [4]uint64{100, 100, 900, 500}},
		{"bb", 120, [4]uint64{120, 120, 900, 500}},
		{subscription.Audit, 950, [4]uint64{120, 120, 950, 500}},
	} {
		if err := h.passed(tt.channel, at(tt.at)); err != nil {
			t.Fatal(err)
		}
		var got [4]uint64
		for i, s := range h.subs {
			got[i] = s.next.Index
		}
		if got != tt.want {
			t.Errorf("after %s at #%d: %v, want %v", tt.channel, tt.at, got, tt.want)
		}
	}
}

// A replay that goes on begins where it began, not as long before now as it did.
func TestReplayGoesOnFromTheTimeItBeganAt(t *testing.T) {
	path := t.TempDir() + "/resume"
	f, err := openResumeFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.begin("2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"); err != nil {
		t.Fatal(err)
	}
	r := &replay{past: past{}, target: &target{}}
	r.target.wait.Confirm = time.Second
	if _, err := r.past.Set("since", "1h", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := r.resumeFrom(path); err != nil {
		t.Fatal(err)
	}
	if v := r.past.Values(); v.Get("since") != "2026-11-20T10:00:00Z" || v.Get("until") != "2026-11-20T11:00:00Z" {
		t.Errorf("it goes on with %v", v)
	}
}

// A broker sends again what it did not know to have arrived. Of two subscriptions that cover a message, one may be
// behind.
func TestWhatADurableSubscriptionRepeatsIsNotPrinted(t *testing.T) {
	h := &subscriptions{subs: []*followed{follow("d*?durable=x")}}
	at := entry.Position{Index: 500, Offset: 2}
	if h.repeated("dd", at) {
		t.Error("the first time")
	}
	if err := h.passed("dd", at); err != nil {
		t.Fatal(err)
	}
	later := entry.Position{Index: 500, Offset: 3}
	if !h.repeated("dd", at) || !h.repeated("d", entry.Position{Index: 499}) || h.repeated("dd", later) {
		t.Error("what was printed is not known, or what was not printed is")
	}
	h.subs = append(h.subs, follow("dd?durable=y"))
	if h.repeated("dd", at) {
		t.Error("it may be the first time by the other subscription")
	}
}

// Files that are damaged, or of others, are named as such: nobody knows what a parser expected, and none is to be lost.
func TestFilesThatAreNotOursAreNamed(t *testing.T) {
	path := t.TempDir() + "/file"
	for _, content := range []string{
		"", "not json", "12?", "{}", `{"confirmed":3}`, `{"confirmed":-1,"input":"0011223344556677"}`,
		`{"confirmed":3,"input":"aa"}`, `{"confirmed":3,"input":"0011223344556677","from":"junk"}`,
		`{"confirmed":3,"input":"0011223344556677","until":"soon"}`, `{"confirmed":3,"confirmed":4,"input":"0011223344556677"}`,
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		const want = "file is not whole, or not a file that "
		if _, err := openResumeFile(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--resume with %q: %v", content, err)
		}
		_, err := (&cursorFile{path: path}).read()
		if err == nil || !strings.Contains(err.Error(), want) && content != "" {
			t.Errorf("--cursor-file with %q: %v", content, err)
		}
	}
	good := `{"confirmed":3,"input":"0011223344556677","from":"#12.0","since":"2026-11-20T10:00:00Z","until":"#20.0"}`
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := openResumeFile(path); err != nil || f.begun.Confirmed != 3 {
		t.Errorf("a sound file: %+v, %v", f, err)
	}
}
