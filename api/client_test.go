package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/datadir"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/secret"
)

// answering serves one answer for each request, and notes the requests.
func answering(t *testing.T, answer http.HandlerFunc) (c *api.Client, asked *[]string) {
	t.Helper()
	asked = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return api.Remote(s.URL + "/"), asked
}

func empty(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }

// What is sent follows from the tags: parameters of the path and the query, and the body.
func TestRequests(t *testing.T) {
	c, asked := answering(t, empty)
	ctx := t.Context()
	comment, none := "", []graph.Pattern{}
	for want, call := range map[string]func() error{
		`POST /api/v1/shares {"channel":"a.*","to":"group:lab"}`: func() error {
			_, err := api.AddShare.Call(ctx, c, api.With[api.NewShare]{Body: api.NewShare{Channel: "a.*", To: "group:lab"}})
			return err
		},
		`POST /api/v1/shares/7/accept`: func() error {
			_, err := api.AcceptShare.Call(ctx, c, api.SharePath{ID: 7})
			return err
		},
		`PATCH /api/v1/authkeys/a%2Fb%20c%3F {"comment":"","sub":[]}`: func() error {
			_, err := api.EditAuthkey.Call(ctx, c, api.AuthkeyEdit{
				IdentPath: api.IdentPath{Ident: "a/b c?"}, Body: api.AuthkeyChanges{Comment: &comment, Sub: &none},
			})
			return err
		},
		`DELETE /api/v1/groups/lab/members/bob`: func() error {
			_, err := api.RemoveMember.Call(ctx, c, api.MemberPath{GroupPath: api.GroupPath{Group: "lab"}, User: "bob"})
			return err
		},
		`GET /api/v1/search?kind=user%2Cshare&limit=5&q=a+b`: func() error {
			_, err := api.Search.Call(ctx, c, api.SearchQuery{Text: "a b", Kinds: []string{"user", "share"}, Limit: 5})
			return err
		},
		`GET /api/v1/messages/count?channel=a&channel=b.%2A&limit=3`: func() error {
			_, err := api.CountMessages.Await(ctx, c, api.MessageQuery{Channel: []string{"a", "b.*"}, Limit: 3})
			return err
		},
		`POST /api/v1/users {"handle":"ada","password":"correct horse"}`: func() error {
			u := api.NewUser{Handle: "ada", Password: api.NewSecret("correct horse")}
			if s := fmt.Sprintf("%v %+v %#v", u, u, u); strings.Contains(s, "horse") {
				t.Errorf("a password is printed: %s", s)
			}
			_, err := api.AddUser.Call(ctx, c, api.With[api.NewUser]{Body: u})
			return err
		},
		`PATCH /api/v1/users/ada {"password":""}`: func() error {
			_, err := api.EditUser.Call(ctx, c, api.UserEdit{
				HandlePath: api.HandlePath{Handle: "ada"}, Body: api.UserChanges{Password: &api.Secret{}},
			})
			return err
		},
	} {
		*asked = nil
		if err := call(); err != nil || len(*asked) != 1 || (*asked)[0] != want {
			t.Errorf("sent %q, %v; want %s", *asked, err, want)
		}
	}
}

// An empty name would make the address of another operation: it is refused before anything is sent.
func TestEmptyNameIsNotSent(t *testing.T) {
	c, asked := answering(t, empty)
	_, err := api.RemoveUser.Call(t.Context(), c, api.HandlePath{})
	var p *api.Problem
	if !errors.As(err, &p) || p.Code != api.Invalid || p.Status != 422 || len(*asked) != 0 {
		t.Errorf("%v, sent %q", err, *asked)
	}
}

// A list is read page by page, as far as it is wanted, and never from another server.
func TestPages(t *testing.T) {
	pages := map[string]string{"": "1", "1": "2", "2": "3", "3": ""}
	c, asked := answering(t, func(w http.ResponseWriter, r *http.Request) {
		after := r.URL.Query().Get("after")
		if next := pages[after]; next != "" {
			w.Header().Set("Link", "<"+r.URL.Path+"?limit=1&after="+next+`>; rel="next"`)
		} else {
			w.Header().Set("Link", `<https://evil.example/api/v1/users>; rel="next"`)
		}
		_, _ = fmt.Fprintf(w, `[{"handle":"u%s"}]`, after)
	})
	all, err := api.ListUsers.All(t.Context(), c, api.UsersQuery{Page: api.Page{Limit: 1}})
	if err != nil || len(all) != 4 || all[3].Handle != "u3" || len(*asked) != 4 {
		t.Fatalf("%+v, %v, asked %q", all, err, *asked)
	}
	*asked = nil
	for u, err := range api.ListUsers.Each(t.Context(), c, api.UsersQuery{Page: api.Page{}}) {
		if err != nil || u.Handle != "u" {
			t.Fatalf("%+v, %v", u, err)
		}
		break
	}
	if len(*asked) != 1 {
		t.Errorf("asked %q for the first element", *asked)
	}
}

// A list is never null.
func TestEmptyList(t *testing.T) {
	c, _ := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("[]")) })
	if all, err := api.ListUsers.All(t.Context(), c, api.UsersQuery{Page: api.Page{}}); err != nil || all == nil {
		t.Errorf("%#v, %v", all, err)
	}
}

func TestProblems(t *testing.T) {
	for body, want := range map[string]api.Problem{
		`{"status":409,"code":"conflict","detail":"it exists","hint":"take another"}`: {
			Status: 409, Code: api.Conflict, Detail: "it exists", Hint: "take another",
		},
		`<html>bad gateway</html>`: {Title: "Conflict", Status: 409, Detail: "409 Conflict"},
	} {
		c, _ := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(body))
		})
		_, err := api.ShowStatus.Call(t.Context(), c, api.None{})
		var p *api.Problem
		if !errors.As(err, &p) || *p != want {
			t.Errorf("%s: %#v, want %+v", body, err, want)
		}
		for _, err := range api.ListUsers.Each(t.Context(), c, api.UsersQuery{Page: api.Page{}}) {
			if !errors.As(err, &p) {
				t.Errorf("%s: a list answers %v", body, err)
			}
		}
	}
}

// A long operation tells how far it is, and then its result or why there is none.
func TestLong(t *testing.T) {
	lines := `{"done":1,"total":2}` + "\n" + `{"what":"log","done":0,"total":0}` + "\n"
	for last, want := range map[string]string{
		`{"ok":true,"events":2}`:             "",
		`{"code":"denied","detail":"no"}`:    "no",
		``:                                   "unexpected EOF",
		`{"ok":false,"fault":{"index":"x"}}`: "cannot unmarshal",
	} {
		c, asked := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(lines + last)) })
		var told []api.Progress
		v, err := api.VerifyAudit.Run(t.Context(), c, func(p api.Progress) { told = append(told, p) })
		switch {
		case want == "":
			if err != nil || !v.OK || v.Events != 2 {
				t.Errorf("%s: %+v, %v", last, v, err)
			}
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v, want %s", last, err, want)
		}
		if !reflect.DeepEqual(told, []api.Progress{{Done: 1, Total: 2}, {What: "log"}}) {
			t.Errorf("told %+v", told)
		}
		if (*asked)[0] != "GET /api/v1/audit/verify?progress=true" {
			t.Errorf("asked %q", *asked)
		}
	}
}

// Messages are read line by line; an answer without its last line was cut off.
func TestStream(t *testing.T) {
	message := `{"position":"#1.2","channel":"c","payload":"p"}` + "\n"
	gap := `{"gap":{"from":"#0.0","to":"#1.0"}}` + "\n"
	for answer, cut := range map[string]bool{
		gap + message + `{"end":true,"messages":1,"next":"#1.3"}` + "\n":                 false,
		gap + message + `{"end":false,"messages":1,"next":"#1.3","error":"disk"}` + "\n": false,
		gap + message:                     true,
		gap + message + `{"end":true,"me`: true,
	} {
		c, _ := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
		var got []string
		in := api.MessagesQuery{MessageQuery: api.MessageQuery{Channel: []string{"c"}}}
		end, err := api.ReadMessages.Read(t.Context(), c, in, func(line []byte, r ndjson.Record) error {
			got = append(got, string(line))
			return nil
		})
		var off *api.CutOff
		whole := end.Messages == 1 && strings.Join(got, "") == gap+message
		if errors.As(err, &off) != cut || cut && off.Last != "#1.2" || !whole {
			t.Errorf("%s: %+v, %v, got %q", answer, end, err, got)
		}
	}
}

func TestWhoAsks(t *testing.T) {
	var header http.Header
	c, _ := answering(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		empty(w, r)
	})
	for who, want := range map[*api.Client]string{
		c:                                    "|",
		c.As("ada"):                          "|ada",
		c.As("ada").As(""):                   "|",
		c.WithToken(secret.New("hpf_1")):     "Bearer hpf_1|",
		c.WithPassword("a", secret.New("b")): "Basic YTpi|",
	} {
		_, err := api.ShowStatus.Call(t.Context(), who, api.None{})
		if got := header.Get("Authorization") + "|" + header.Get(api.AsHeader); err != nil || got != want {
			t.Errorf("sent %s, %v; want %s", got, err, want)
		}
	}
}

func TestLocalSocket(t *testing.T) {
	dir := t.TempDir()
	if _, err := api.ShowStatus.Call(t.Context(), api.Local(dir), api.None{}); err == nil {
		t.Error("somebody answers where no server is")
	} else if op := (*net.OpError)(nil); !errors.As(err, &op) || op.Op != "dial" {
		t.Errorf("the error does not say that nobody was reached: %v", err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, datadir.Socket))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(api.Status{Version: "v"})
	})}
	go s.Serve(l)
	defer s.Close()
	if st, err := api.ShowStatus.Call(t.Context(), api.Local(dir), api.None{}); err != nil || st.Version != "v" {
		t.Errorf("%+v, %v", st, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := api.Local(dir).Metrics(ctx); err != context.Canceled {
		t.Errorf("a call that its caller broke off: %v", err)
	}
}
