package program

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/query/view"
)

// Any node lists and closes what is connected to another; of one that does not answer it says so.
func TestConnectionsOverNodes(t *testing.T) {
	t.Parallel()
	f := startFleet(t, 3)
	_, subs := f.setUp("n1", 1, 1)
	c := f.attend("n2", subs[0], "cowrie.*")
	list := func() (seen view.Connections) {
		f.must(f.call("n1", "GET", api.Base+"/connections?authkey="+url.QueryEscape(subs[0].Ident), struct{}{}, &seen))
		return seen
	}
	var seen view.Connections
	f.until("the connection is listed with its subscription", 10*time.Second, func() bool {
		seen = list()
		return seen.Total == 1 && slices.Equal(seen.Connections[0].Subscriptions, []string{"cowrie.*"})
	})
	one := seen.Connections[0]
	if one.Node != "n2" || one.Authkey != subs[0].Ident || one.Remote != c.LocalAddr().String() || len(seen.Silent) > 0 {
		t.Errorf("n1 sees %+v", seen)
	}
	path := fmt.Sprintf("%s/connections/n2/%d", api.Base, one.Number)
	f.must(f.call("n3", "DELETE", path, struct{}{}, nil))
	frame, err := readFrame(c)
	if err != nil || !strings.Contains(string(frame), "Connection was closed by its owner or an admin.") {
		t.Errorf("the client is told %q, %v", frame, err)
	}
	f.until("the connection is listed no more", 10*time.Second, func() bool { return list().Total == 0 })
	if err := f.call("n3", "DELETE", path, struct{}{}, nil); err == nil {
		t.Error("what is closed is closed again")
	}
	f.kill("n3")
	if seen = list(); !slices.Equal(seen.Silent, []string{"n3"}) {
		t.Errorf("of a node that is dead n1 says %+v", seen)
	}
}
