package graph

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"hpfriends/graph/limit"
	"hpfriends/graph/scope"
)

// base is when the tests' worlds begin; change i happens i minutes later.
var base = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// world is a graph that a test changes step by step.
type world struct {
	t     testing.TB
	g     *Graph
	index uint64
}

func newWorld(t testing.TB) *world { return &world{t: t, g: New(), index: 9} }

func operator() Actor       { return Actor{Operator: true, From: "system"} }
func user(id UserID) Actor  { return Actor{User: id, From: "192.0.2.1"} }
func at(i uint64) time.Time { return base.Add(time.Duration(i) * time.Minute) }
func opName(op Op) string   { return Command{Op: op}.OpName() }
func ptr[T any](v T) *T     { return &v }

var reads = scope.Grant{Scopes: []scope.Scope{scope.Read}}

func hash(i byte) []byte     { return append(make([]byte, 31), i) }
func (w *world) now() uint64 { return w.index }

// try applies op as actor at the next index.
func (w *world) try(by Actor, op Op) (uint64, error) {
	w.t.Helper()
	w.index++
	g, out, err := w.g.Apply(w.index, Command{By: by, Time: at(w.index), Op: op})
	if err != nil && g != w.g {
		w.t.Fatalf("%s was refused and returned another graph", opName(op))
	}
	w.g = g
	return out.Object, err
}

func (w *world) do(by Actor, op Op) uint64 {
	w.t.Helper()
	id, err := w.try(by, op)
	if err != nil {
		w.t.Fatalf("%s %+v: %v", opName(op), op, err)
	}
	return id
}

func (w *world) user(handle string) UserID {
	w.t.Helper()
	return UserID(w.do(operator(), AddUser{Handle: handle}))
}

func (w *world) group(name string, members ...UserID) GroupID {
	w.t.Helper()
	id := GroupID(w.do(user(members[0]), AddGroup{Name: name}))
	for _, u := range members[1:] {
		w.do(operator(), AddMember{Group: id, User: u})
	}
	return id
}

// share adds an accepted share: to is a UserID or a GroupID; for a group, who accepts is named.
func (w *world) share(from UserID, to any, s AddShare, accept ...UserID) ShareID {
	w.t.Helper()
	switch to := to.(type) {
	case UserID:
		s.User = to
		accept = append(accept, to)
	case GroupID:
		s.Group = to
	}
	if s.Channel == "" {
		s.Channel = "c"
	}
	id := ShareID(w.do(user(from), s))
	for _, u := range accept {
		w.do(user(u), DecideShare{Share: id, Accept: true})
	}
	return id
}

func (w *world) key(owner UserID, ident string, pub, sub []Pattern) *Authkey {
	w.t.Helper()
	id := w.do(user(owner), AddAuthkey{Ident: ident, Secret: []byte("sealed"), Pub: pub, Sub: sub})
	k, _ := w.g.Authkey(AuthkeyID(id))
	return k
}

// dice is where random commands take their choices from: n > 0 gives 0 to n-1.
type dice func(n int) int

// randomCommand is any operation, more often one that makes sense than not.
func randomCommand(g *Graph, index uint64, roll dice) Command {
	c := Command{By: randomActor(g, roll), Time: at(index)}
	anyUser, anyGroup, anyShare := randomUser(g, roll), randomGroup(g, roll), randomShare(g, roll)
	switch roll(47) {
	case 43, 44:
		c.Op = AskToJoin{Group: anyGroup, Note: []string{"", "n"}[roll(2)]}
	case 45:
		c.Op = RemoveRequest{Group: anyGroup, User: anyUser}
	case 46:
		c.Op = AddMember{Group: anyGroup, User: anyUser, Asked: true}
	case 42:
		c.Op = SetLimits{User: anyUser, Set: limit.Set{Shares: ptr(uint32(roll(3)))}}
	case 0, 1:
		c.Op = AddUser{Handle: fmt.Sprintf("u%d", roll(12)), Role: []Role{"", Member, Auditor, Admin, "king"}[roll(5)]}
	case 2:
		c.Op = EditUser{User: anyUser, Enabled: ptr(roll(3) > 0)}
	case 3:
		c.Op = EditUser{User: anyUser, Name: ptr("n"), Role: []*Role{nil, ptr(Admin), ptr(Member)}[roll(3)]}
	case 4:
		if roll(3) == 0 {
			c.Op = RemoveUser{User: anyUser}
		} else {
			c.Op = EditUser{User: anyUser, Enabled: ptr(true)}
		}
	case 5:
		c.Op = AddGroup{Name: []string{"red", "Red", "blue", "green", ""}[roll(5)]}
	case 6:
		if roll(3) == 0 {
			c.Op = RemoveGroup{Group: anyGroup}
		} else {
			c.Op = SetGroupAdmin{Group: anyGroup, User: anyUser, Admin: roll(2) == 0}
		}
	case 7, 8:
		c.Op = AddMember{Group: anyGroup, User: anyUser}
	case 9:
		c.Op = RemoveMember{Group: anyGroup, User: anyUser}
	case 10:
		c.Op = AddAuthkey{
			Ident: fmt.Sprintf("k%d", roll(9)), Secret: []byte("s"), Pub: randomPatterns(roll), Sub: randomPatterns(roll),
			Expires: randomExpiry(index, roll), Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}[:roll(2)],
		}
	case 11:
		c.Op = EditAuthkey{Authkey: AuthkeyID(roll(int(index) + 1)), Enabled: ptr(roll(2) == 0),
			Expires: ptr(randomExpiry(index, roll)), Secret: []byte("t"), OldUntil: randomExpiry(index, roll)}
	case 12:
		if c.Op = (RevealAuthkey{Authkey: AuthkeyID(roll(int(index) + 1))}); roll(2) == 0 {
			c.Op = RemoveAuthkey{Authkey: AuthkeyID(roll(int(index) + 1))}
		}
	case 13:
		c.Op = AddToken{Hash: hash(byte(roll(8))), Expires: randomExpiry(index, roll), Grant: reads}
	case 14:
		c.Op = RemoveToken{Token: TokenID(roll(int(index) + 1))}
	case 22:
		c.Op = AddSession{Hash: hash(byte(roll(8))), Agent: "a", Expires: randomExpiry(index, roll)}
	case 23:
		c.Op = RemoveSession{Session: TokenID(roll(int(index) + 1))}
	case 24:
		c.Op = ClearSessions{User: anyUser}
	case 25:
		c.Op = AddInvitation{Hash: hash(byte(roll(8))), Role: []Role{"", Member, Admin, "king"}[roll(4)],
			Group: []GroupID{0, anyGroup}[roll(2)], Uses: roll(3), Expires: at(index + uint64(roll(40)))}
	case 26:
		c.Op = AcceptInvitation{Hash: hash(byte(roll(8))), Handle: fmt.Sprintf("u%d", roll(12))}
		if roll(2) == 0 {
			c.By = operator()
		}
	case 27:
		c.Op = RemoveInvitation{Invitation: InvitationID(roll(int(index) + 1))}
	case 15:
		c.By.Operator, c.Op = roll(8) > 0, Expire{}
	case 16:
		if c.Op = (RemoveShare{Share: anyShare}); roll(2) == 0 {
			c.Op = EditShare{Share: anyShare, Note: ptr("n"), Expires: ptr(randomExpiry(index, roll))}
		}
	case 17, 18, 19, 20, 21, 28, 29:
		s := AddShare{
			Channel: []Pattern{"a", "ab", "a*", "*", "b", "$x"}[roll(6)], Type: []ShareType{"", Own, All, All}[roll(4)],
			History: []History{"", FromShare, Full}[roll(3)], Expires: randomExpiry(index, roll),
		}
		if roll(2) == 0 {
			s.User = anyUser
		} else {
			s.Group = anyGroup
		}
		c.Op = s
	default:
		c.Op = DecideShare{Share: anyShare, Accept: roll(5) > 0}
		if s, ok := g.Share(anyShare); ok && roll(6) > 0 { // by somebody who can
			if c.By.User = s.User; s.Group != 0 {
				for m := range g.Members(s.Group) {
					if c.By.User = m.User; roll(3) == 0 {
						break
					}
				}
			}
		}
	}
	return c
}

func randomActor(g *Graph, roll dice) Actor {
	switch roll(4) {
	case 0:
		return Actor{Operator: true}
	case 1, 2:
		return Actor{Operator: true, User: randomUser(g, roll)}
	}
	return Actor{User: randomUser(g, roll)}
}

func nth[T any](seq func(func(T) bool), n int) (v T) {
	for v = range seq {
		if n--; n < 0 {
			return v
		}
	}
	return v
}

func randomUser(g *Graph, roll dice) UserID {
	if u := nth(g.Users(), roll(14)); u != nil && roll(20) > 0 {
		return u.ID
	}
	return UserID(roll(50))
}

func randomGroup(g *Graph, roll dice) GroupID {
	if gr := nth(g.Groups(), roll(4)); roll(20) > 0 {
		return gr.ID
	}
	return GroupID(roll(50))
}

func randomShare(g *Graph, roll dice) ShareID {
	if s := nth(g.Shares(), roll(g.sharing.shares.Len()+1)); s != nil && roll(20) > 0 {
		return s.ID
	}
	return ShareID(roll(50))
}

func randomExpiry(index uint64, roll dice) time.Time {
	if roll(3) > 0 {
		return time.Time{}
	}
	return at(index + uint64(roll(40)))
}

func randomPatterns(roll dice) []Pattern { return []Pattern{"a", "a*", "b"}[:roll(4)] }
