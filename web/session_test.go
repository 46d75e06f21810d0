package web

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/secret"
)

// hashed is a hash of "password" that costs little: the vector of the Argon2 reference implementation.
const hashed = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

// do makes a change as the operator.
func (w *world) do(op graph.Op) uint64 {
	w.t.Helper()
	out, err := w.Change(w.t.Context(), graph.Command{By: graph.Actor{Operator: true, From: "system"}, Op: op})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Object
}

// cookie is a browser that has logged in.
func (w *world) cookie(handle, password string) caller {
	w.t.Helper()
	rec, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/login", nil)
	r.RemoteAddr = "192.0.2.7:4711"
	if _, err := w.server.who.Login(rec, r, handle, secret.New(password)); err != nil {
		w.t.Fatal(err)
	}
	c := rec.Result().Cookies()[0]
	return caller{header: http.Header{"Cookie": {c.Name + "=" + c.Value}}}
}

// The pages know a stranger on TCP as nobody, and who has logged in until the session ends; the API takes no cookie.
func TestPagesAreForThoseWhoAreLoggedIn(t *testing.T) {
	w := newWorld(t)
	w.do(graph.AddUser{Handle: "ada", Password: hashed})
	ada := w.cookie("ada", "password")
	for _, c := range []caller{{}, {header: http.Header{"Cookie": {"hpfriends=x"}}}, bearer("x"),
		{header: http.Header{api.AsHeader: {"ada"}}}} {
		if rec := w.send(c, "GET /shares", nil); rec.Code != http.StatusSeeOther {
			t.Errorf("%v: %d", c.header, rec.Code)
		}
	}
	if rec := w.send(ada, "GET /shares", nil); rec.Code != http.StatusOK {
		t.Errorf("ada: %d %s", rec.Code, rec.Body)
	}
	if rec := w.send(ada, "GET /api/v1/whoami", nil); rec.Code != http.StatusUnauthorized {
		t.Errorf("the API with a cookie: %d", rec.Code)
	}
	w.do(graph.ClearSessions{User: 1})
	if rec := w.send(ada, "GET /shares", nil); rec.Code != http.StatusSeeOther {
		t.Errorf("after the end: %d", rec.Code)
	}
}
