package web

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// clients are connections as a broker would list them.
type clients struct {
	all    map[uint64]graph.UserID // whose, by number
	idents map[graph.UserID]string
	closed []uint64
}

func (c *clients) ListConnections(
	_ context.Context, user graph.UserID, _ graph.AuthkeyID, limit int,
) (view.Connections, error) {
	out := view.Connections{Connections: []view.Connection{}, Silent: []string{}}
	for number := uint64(1); number <= uint64(len(c.all)); number++ {
		owner := c.all[number]
		if user != 0 && user != owner {
			continue
		}
		if out.Total++; len(out.Connections) < limit {
			out.Connections = append(out.Connections, view.Connection{
				Node: "n1", Number: number, Authkey: c.idents[owner], Since: time.Now(), Remote: "192.0.2.9:4711",
				Subscriptions: []string{c.idents[owner]},
			})
		}
	}
	return out, nil
}

func (c *clients) CloseConnection(_ context.Context, node string, number uint64, user graph.UserID) error {
	if owner, ok := c.all[number]; !ok || node != "n1" || user != 0 && user != owner {
		return &graph.Error{Code: graph.NotFound, Msg: "there is no such connection"}
	}
	c.closed = append(c.closed, number)
	return nil
}

// Members see and close the connections of their own authkeys; auditors see all, and admins close all: by the API and
// by the page alike.
func TestWhoSeesAndClosesConnections(t *testing.T) {
	w := rights(t)
	all := map[uint64]graph.UserID{1: 1, 2: 2, 3: 1} // of ada and bob
	for _, tt := range []struct {
		who         string
		sees        string // numbers
		closesAdas  int
		closesBobs  int
		closesNone  int
		ofAdaByName int // how many of ada's are listed
	}{
		{"ada", "[1 3]", 204, 404, 404, 2}, {"bob", "[2]", 404, 204, 404, 0}, {"cleo", "[]", 404, 404, 404, 0},
		{"eve", "[1 2 3]", 404, 404, 404, 2}, {"root", "[1 2 3]", 204, 204, 404, 2},
	} {
		c := &clients{all: all, idents: map[graph.UserID]string{1: "ada/1", 2: "bob-key"}}
		w.server.v1.Connections = c
		got := must[view.Connections](w, as(tt.who), "GET /api/v1/connections", nil)
		numbers := []uint64{}
		for _, one := range got.Connections {
			numbers = append(numbers, one.Number)
		}
		if fmt.Sprint(numbers) != tt.sees || got.Total != len(numbers) {
			t.Errorf("%s sees %v of %d, want %s", tt.who, numbers, got.Total, tt.sees)
		}
		got = must[view.Connections](w, as(tt.who), "GET /api/v1/connections?user=ada&limit=1", nil)
		if got.Total != tt.ofAdaByName {
			t.Errorf("%s sees %d of ada's", tt.who, got.Total)
		}
		for path, want := range map[string]int{
			"n1/1": tt.closesAdas, "n1/2": tt.closesBobs, "n2/1": tt.closesNone, "n1/9": tt.closesNone,
		} {
			if rec := w.send(as(tt.who), "DELETE /api/v1/connections/"+path, nil); rec.Code != want {
				t.Errorf("%s closes %s: %d, want %d", tt.who, path, rec.Code, want)
			}
		}
		before := len(c.closed)
		status, html := w.submit(tt.who, "/connections", "do", "close", "node", "n1", "number", "1")
		if may := tt.closesAdas == 204; (status == http.StatusOK && len(c.closed) == before+1) != may {
			t.Errorf("%s closes ada's on the page: %d", tt.who, status)
		} else if may && !says(html, "The connection is closed. Its client may come back") {
			t.Error(text(html))
		}
		if _, html = w.page(tt.who, "/connections"); says(html, "bob-key") != (tt.sees != "[]" && tt.sees != "[1 3]") {
			t.Errorf("the page of %s: %s", tt.who, text(html))
		}
	}
	w.server.v1.Connections = nil
	if _, html := w.page("root", "/connections"); !says(html, "Nothing is connected now") {
		t.Error(text(html))
	}
}
