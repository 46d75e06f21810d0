package query

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/graph"
	"hpfriends/graph/scope"
	"hpfriends/query/past"
	"hpfriends/query/view"
)

// community is a history in which ada shares with bob and with the group lab (ada and bob), cleo has nothing to do with
// them, eve is an auditor, root was made admin by the operator, and exadmin was an admin once.
type community struct {
	*fixture
	q                                   *Query
	ada, bob, cleo, eve, root, exadmin  graph.UserID
	lab                                 graph.GroupID
	shared, withLab, accepted, unshared uint64
	minutes                             int
}

// at is a change from an address of its own, so that it can be looked for.
func (c *community) by(user graph.UserID, o graph.Op) uint64 {
	c.TB.Helper()
	c.minutes++
	cmd := graph.Command{By: graph.Actor{User: user, Operator: user == 0, From: fmt.Sprintf("192.0.2.%d", user)},
		Time: epoch.Add(time.Duration(c.minutes) * time.Minute), Op: o}
	out, err := c.Try(cmd)
	if err != nil {
		c.TB.Fatalf("%T: %v", o, err)
	}
	return out.Object
}

func newCommunity(t *testing.T) *community {
	f, q := newFixture(t)
	c := &community{fixture: f, q: q}
	hash := sha256.Sum256([]byte("CANARY"))
	copy(hash[:], "CANARY-token-hash")
	user := func(handle string, role graph.Role) graph.UserID {
		return graph.UserID(c.by(0, graph.AddUser{Handle: handle, Role: role, Password: "$argon2id$CANARY-" + handle}))
	}
	c.ada, c.bob, c.cleo, c.eve = user("ada", ""), user("bob", ""), user("cleo", ""), user("eve", graph.Auditor)
	c.root, c.exadmin = user("root", graph.Admin), user("exadmin", graph.Admin)
	c.by(c.exadmin, graph.EditUser{User: c.cleo, Name: new(string)}) // no change
	c.lab = graph.GroupID(c.by(c.ada, graph.AddGroup{Name: "lab"}))
	c.by(c.ada, graph.AddMember{Group: c.lab, User: c.bob})
	key := graph.AuthkeyID(c.by(c.ada,
		graph.AddAuthkey{Ident: "sensor", Secret: []byte("CANARY-secret"), Pub: []graph.Pattern{"c*"}}))
	c.by(c.ada, graph.EditAuthkey{Authkey: key, Secret: []byte("CANARY-secret-2")})
	c.by(c.bob, graph.AddAuthkey{Ident: "reader", Secret: []byte("CANARY-secret-3"), Sub: []graph.Pattern{"*"}})
	c.by(c.ada, graph.AddToken{
		Owner: c.ada, Hash: hash[:], Comment: "laptop", Expires: time.Now().Add(time.Hour),
		Grant: scope.Grant{Scopes: []scope.Scope{scope.Read}},
	})
	c.shared = c.by(c.ada, graph.AddShare{Channel: "c", User: c.bob, Note: "for bob"})
	c.withLab = c.by(c.ada, graph.AddShare{Channel: "c.d", Group: c.lab})
	c.by(c.bob, graph.DecideShare{Share: graph.ShareID(c.shared), Accept: true})
	c.accepted = c.Graph.Index()
	member := graph.Member
	c.by(0, graph.EditUser{User: c.exadmin, Role: &member})
	password := "$argon2id$CANARY-new"
	c.by(c.ada, graph.EditUser{User: c.ada, Password: &password})
	c.by(c.ada, graph.RemoveShare{Share: graph.ShareID(c.shared)})
	c.unshared = c.Graph.Index()
	c.by(c.root, graph.RevealAuthkey{Authkey: key})
	return c
}

// Who sees which changes. Each line is a viewer; what they see is named by operation and object, oldest first.
func TestWhoSeesWhichEvent(t *testing.T) {
	c := newCommunity(t)
	ada := "user.add ada, group.add lab, member.add lab, authkey.add sensor, authkey.edit sensor, token.add laptop, " +
		"share.add c, share.add c.d, share.decide c, user.edit ada, share.remove c, authkey.reveal sensor"
	for name, tt := range map[string]struct {
		viewer graph.Actor
		want   string
	}{
		"ada": {graph.Actor{User: c.ada}, ada},
		"bob": {graph.Actor{User: c.bob},
			"user.add bob, member.add lab, authkey.add reader, share.add c, share.add c.d, share.decide c, share.remove c"},
		"cleo": {graph.Actor{User: c.cleo}, "user.add cleo"},
		// Their own doing is theirs to see; what they saw by a role that they lost is not.
		"exadmin": {graph.Actor{User: c.exadmin}, "user.add exadmin, user.edit cleo, user.edit exadmin"},
		"nobody":  {graph.Actor{User: 999}, ""},
		"no one":  {graph.Actor{}, ""},
	} {
		events, _, err := c.q.AuditEvents(t.Context(), tt.viewer, AuditFilter{Oldest: true})
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		for _, e := range events {
			seen = append(seen, e.Op+" "+e.Object.Name)
			if e.Hash != "" || e.From != "" && e.From != fmt.Sprintf("192.0.2.%d", tt.viewer.User) {
				t.Errorf("%s sees the hash %q and the address %q of %s", name, e.Hash, e.From, e.Op)
			}
		}
		if got := strings.Join(seen, ", "); got != tt.want {
			t.Errorf("%s sees\n%s\nwant\n%s", name, got, tt.want)
		}
		c.checkNoSecret(events)
	}
	for _, viewer := range []graph.Actor{{User: c.eve}, {User: c.root}, {Operator: true}} {
		events, _, err := c.q.AuditEvents(t.Context(), viewer, AuditFilter{})
		if err != nil || len(events) != len(c.raws()) {
			t.Errorf("%+v sees %d events of %d, %v", viewer, len(events), len(c.raws()), err)
		}
		for _, e := range events {
			if e.Hash == "" || e.From == "" {
				t.Errorf("%+v does not see everything of %s", viewer, e.Op)
			}
		}
		c.checkNoSecret(events)
	}
	off := false
	c.by(0, graph.EditUser{User: c.eve, Enabled: &off})
	if events, _, _ := c.q.AuditEvents(t.Context(), graph.Actor{User: c.eve}, AuditFilter{}); len(events) > 0 {
		t.Error("a disabled auditor sees events")
	}
}

// An event of many effects shows to each only those that concern them, also by way of the filters.
func TestAnEventShowsOnlyWhatConcernsTheViewer(t *testing.T) {
	c := newCommunity(t)
	c.by(c.ada, graph.AddShare{Channel: "secret-channel", User: c.cleo, Note: "not for bob"})
	c.by(0, graph.AddMember{Group: c.lab, User: c.root})
	c.by(0, graph.SetGroupAdmin{Group: c.lab, User: c.root, Admin: true})
	c.by(0, graph.RemoveUser{User: c.ada})
	index := c.Graph.Index()
	kinds := func(viewer graph.UserID) (all []string) {
		e, err := c.q.AuditEvent(t.Context(), graph.Actor{User: viewer}, index)
		if err != nil {
			t.Fatal(err)
		}
		if e.By != "operator" || e.Object.Name != "ada" {
			t.Errorf("%+v", e)
		}
		for _, ch := range e.Changes {
			if ch.Before == nil || ch.After != nil {
				t.Errorf("%+v is not told as removed", ch)
			}
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s", ch.Kind, ch.Name, ch.User)))
		}
		slices.Sort(all)
		return all
	}
	for viewer, want := range map[graph.UserID]string{
		c.bob: "[membership lab ada share c.d]", c.cleo: "[share secret-channel]",
		c.root: "[authkey sensor membership lab ada share c.d share secret-channel user ada]",
	} {
		if got := fmt.Sprint(kinds(viewer)); got != want {
			t.Errorf("user %d sees %s, want %s", viewer, got, want)
		}
	}
	for filter, want := range map[AuditFilter]int{
		{Op: "user.remove", Object: "share:c.d"}: 1, {Op: "user.remove", Object: "share:secret-channel"}: 0,
		{Op: "user.remove", User: "bob"}: 1, {Op: "user.remove", User: "cleo"}: 0,
		{Op: "user.*", Actor: "operator", User: "bob"}:   2,
		{Object: "user:ada", Since: past.AtIndex(index)}: 1, {Object: "membership:lab"}: 4,
		{Until: past.AtIndex(index - 1), Op: "user.remove"}:                     0,
		{Since: past.AtTime(epoch.Add(time.Duration(c.minutes) * time.Minute))}: 1, {Actor: "ADA", Op: "share.add"}: 2,
		{Object: fmt.Sprintf("share:%d", c.withLab)}: 2,
	} {
		events, _, err := c.q.AuditEvents(t.Context(), graph.Actor{User: c.bob}, filter)
		if err != nil || len(events) != want {
			t.Errorf("%+v selects %d events for bob, want %d, %v", filter, len(events), want, err)
		}
	}
	if _, _, err := c.q.AuditEvents(t.Context(), graph.Actor{User: c.bob}, AuditFilter{Object: "bicycle"}); err == nil {
		t.Error("an unknown kind of object selects something")
	}
}

// The past, the difference of two moments, and who could read: for each viewer what is theirs, and nothing secret.
func TestThePastAsEachMaySeeIt(t *testing.T) {
	c := newCommunity(t)
	for name, tt := range map[string]struct {
		viewer                   graph.Actor
		shares, keys, rows, diff int
		flows                    bool // explain is answered
	}{
		"ada": {graph.Actor{User: c.ada}, 2, 1, 2, 4, true}, "bob": {graph.Actor{User: c.bob}, 2, 1, 1, 2, true},
		"cleo": {graph.Actor{User: c.cleo}, 0, 0, 0, 0, false}, "exadmin": {graph.Actor{User: c.exadmin}, 0, 0, 0, 1, false},
		"eve": {graph.Actor{User: c.eve}, 2, 2, 2, 5, true}, "operator": {graph.Actor{Operator: true}, 2, 2, 2, 5, true},
		"nobody": {graph.Actor{User: 999}, 0, 0, 0, 0, false},
	} {
		then := past.AtIndex(c.accepted)
		as, err := c.q.At(tt.viewer, then)
		if err != nil || len(as.Shares()) != tt.shares || len(as.Authkeys()) != tt.keys ||
			as.Position != fmt.Sprintf("#%d", c.accepted) {
			t.Errorf("%s sees %d shares and %d authkeys at %s, %v", name, len(as.Shares()), len(as.Authkeys()), as.Position, err)
		}
		access, err := c.q.Access(tt.viewer, "c", then)
		if err != nil || len(access.Readers) != tt.rows {
			t.Errorf("%s sees %+v, %v", name, access.Readers, err)
		}
		d, err := c.q.DiffBetween(tt.viewer, then, past.Point{})
		if err != nil || len(d.Changes) != tt.diff {
			t.Errorf("%s sees %+v, %v", name, d.Changes, err)
		}
		x, err := c.q.ExplainAt(tt.viewer, "ada", "bob", "c", then)
		if (err == nil) != tt.flows || err == nil && !x.Flows {
			t.Errorf("%s: explain %+v, %v", name, x, err)
		}
		c.checkNoSecret([]any{as, access, d, x})
	}
	operator := graph.Actor{Operator: true}
	access, err := c.q.Access(operator, "c", past.AtIndex(c.accepted))
	if err != nil || len(access.Readers) != 2 {
		t.Fatal(access, err)
	}
	r := access.Readers[1]
	if r.Publisher != "ada" || r.Reader != "bob" || r.VisibleFrom != fmt.Sprintf("#%d", c.shared) || !*r.Subscribes ||
		len(r.Path) != 1 || uint64(r.Path[0].Share) != c.shared {
		t.Errorf("%+v", r)
	}
	for at, want := range map[uint64]int{c.accepted - 1: 1, c.accepted: 2, c.unshared - 1: 2, c.unshared: 1, 0: 0} {
		if a, err := c.q.Access(operator, "c", past.AtIndex(at)); err != nil || len(a.Readers) != want {
			t.Errorf("at #%d %d could read, want %d, %v", at, len(a.Readers), want, err)
		}
	}
	if x, err := c.q.ExplainAt(operator, "ada", "bob", "c", past.Point{}); err != nil || x.Flows {
		t.Errorf("now: %+v, %v", x, err)
	}
	if x, err := c.q.ExplainAt(operator, "ada", "bob", "c", past.AtIndex(c.accepted-1)); err != nil || x.Flows ||
		slices.ContainsFunc(x.Gates, func(g view.Gate) bool { return g.Fix != "" }) {
		t.Errorf("before bob enabled it: %+v, %v", x, err)
	}
	if _, err := c.q.DiffBetween(operator, past.Point{}, past.AtIndex(1)); err == nil {
		t.Error("a difference backwards is answered")
	}
	if _, err := c.q.VerifyAudit(t.Context(), graph.Actor{User: c.ada}, nil); err == nil {
		t.Error("a member verifies the audit")
	}
}
