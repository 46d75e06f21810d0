package graph

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// small is a world with some of everything, for the tables.
type small struct {
	*world
	alice, bob, carol, root, audit UserID
	red                            GroupID // alice is its admin, bob a member
	toBob, toRed, toAll            ShareID // of alice; accepted by bob
	key, bobsKey                   *Authkey
	token                          TokenID
}

func newSmall(t testing.TB) *small {
	s := &small{world: newWorld(t)}
	s.alice, s.bob, s.carol = s.user("alice"), s.user("bob"), s.user("carol")
	s.root = UserID(s.do(operator(), AddUser{Handle: "root", Role: Admin}))
	s.audit = UserID(s.do(operator(), AddUser{Handle: "audit", Role: Auditor}))
	s.red = s.group("red", s.alice, s.bob)
	s.toBob = s.share(s.alice, s.bob, AddShare{})
	s.toRed = s.share(s.alice, s.red, AddShare{Channel: "r*", Type: All}, s.bob)
	s.toAll = s.share(s.alice, Everyone, AddShare{}, s.bob)
	s.key = s.world.key(s.alice, "sensor", []Pattern{"c"}, []Pattern{"c*"})
	s.bobsKey = s.world.key(s.bob, "reader", nil, []Pattern{"*"})
	s.token = TokenID(s.do(user(s.root), AddToken{Owner: s.alice, Hash: hash(1), Grant: reads}))
	return s
}

// TestApplyRefuses: each operation, by whom it is refused and for what, and that nothing has changed then.
func TestApplyRefuses(t *testing.T) {
	w := newSmall(t)
	as := func(u UserID) Actor { return Actor{Operator: true, User: u} }
	past, long := base.Add(-time.Hour), strings.Repeat("x", 5000)
	key := AddAuthkey{Ident: "new", Secret: []byte("s")}
	with := func(change func(*AddAuthkey)) AddAuthkey { k := key; change(&k); return k }
	for _, tt := range []struct {
		name string
		by   Actor
		op   Op
		want error
	}{
		{"member adds a user", user(w.alice), AddUser{Handle: "eve"}, ErrDenied},
		{"auditor adds a user", user(w.audit), AddUser{Handle: "eve"}, ErrDenied},
		{"unknown actor", user(9999), AddUser{Handle: "eve"}, ErrDenied},
		{"nobody", Actor{}, AddGroup{Name: "x"}, ErrDenied},
		{"operator for an unknown user", as(9999), AddGroup{Name: "x"}, ErrNotFound},
		{"handle is taken in another case", user(w.root), AddUser{Handle: "ALICE"}, ErrConflict},
		{"a first admin beside another", operator(), AddUser{Handle: "eve", Role: Admin, First: true}, ErrConflict},
		{"a first admin who is none", operator(), AddUser{Handle: "eve", First: true}, ErrInvalid},
		{"handle with a space", user(w.root), AddUser{Handle: "a b"}, ErrInvalid},
		{"role that is none", user(w.root), AddUser{Handle: "eve", Role: "king"}, ErrInvalid},
		{"name is too long", user(w.root), AddUser{Handle: "eve", Name: long}, ErrInvalid},

		{"nobody asks to join", operator(), AskToJoin{Group: w.red}, ErrInvalid},
		{"a member asks to join", user(w.bob), AskToJoin{Group: w.red}, ErrConflict},
		{"ask to join everyone", user(w.bob), AskToJoin{Group: Everyone}, ErrConflict},
		{"ask to join nothing", user(w.bob), AskToJoin{Group: 9999}, ErrNotFound},
		{"ask at length", user(w.carol), AskToJoin{Group: w.red, Note: long}, ErrInvalid},
		{"take back no request", user(w.carol), RemoveRequest{Group: w.red, User: w.carol}, ErrNotFound},
		{"take back a request to nothing", user(w.carol), RemoveRequest{Group: 9999, User: w.carol}, ErrNotFound},
		{"member declines", user(w.bob), RemoveRequest{Group: w.red, User: w.carol}, ErrDenied},
		{"accept who does not ask", user(w.alice), AddMember{Group: w.red, User: w.carol, Asked: true}, ErrNotFound},

		{"edit somebody else", user(w.alice), EditUser{User: w.bob, Name: ptr("x")}, ErrDenied},
		{"auditor edits somebody else", user(w.audit), EditUser{User: w.bob, Name: ptr("x")}, ErrDenied},
		{"make oneself admin", user(w.alice), EditUser{User: w.alice, Role: ptr(Admin)}, ErrDenied},
		{"disable oneself", user(w.alice), EditUser{User: w.alice, Enabled: ptr(false)}, ErrDenied},
		{"edit nobody", user(w.root), EditUser{User: 9999}, ErrNotFound},
		{"edit to a role that is none", user(w.root), EditUser{User: w.bob, Role: ptr(Role(""))}, ErrInvalid},
		{"remove somebody else", user(w.alice), RemoveUser{User: w.bob}, ErrDenied},
		{"remove nobody", user(w.root), RemoveUser{User: 9999}, ErrNotFound},
		{"remove the last admin of a group of others", user(w.root), RemoveUser{User: w.alice}, ErrConflict},

		{"group for nobody", operator(), AddGroup{Name: "blue"}, ErrInvalid},
		{"group name is taken", user(w.bob), AddGroup{Name: "RED"}, ErrConflict},
		{"group called everyone", user(w.bob), AddGroup{Name: "Everyone"}, ErrConflict},
		{"group without a name", user(w.bob), AddGroup{}, ErrInvalid},
		{"group name with a line feed", user(w.bob), AddGroup{Name: "a\nb"}, ErrInvalid},
		{"group name that ends with a space", user(w.bob), AddGroup{Name: "a "}, ErrInvalid},
		{"member removes the group", user(w.bob), RemoveGroup{w.red}, ErrDenied},
		{"remove everyone", user(w.root), RemoveGroup{Everyone}, ErrInvalid},
		{"remove no group", user(w.root), RemoveGroup{9999}, ErrNotFound},
		{"member adds a member", user(w.bob), AddMember{Group: w.red, User: w.carol}, ErrDenied},
		{"outsider adds themselves", user(w.carol), AddMember{Group: w.red, User: w.carol}, ErrDenied},
		{"add a member again", user(w.alice), AddMember{Group: w.red, User: w.bob}, ErrConflict},
		{"add nobody", user(w.alice), AddMember{Group: w.red, User: 9999}, ErrNotFound},
		{"add to everyone", user(w.root), AddMember{Group: Everyone, User: w.bob}, ErrInvalid},
		{"member removes another", user(w.bob), RemoveMember{w.red, w.alice}, ErrDenied},
		{"leave everyone", user(w.bob), RemoveMember{Everyone, w.bob}, ErrInvalid},
		{"leave a group one is not in", user(w.carol), RemoveMember{w.red, w.carol}, ErrNotFound},
		{"last admin leaves", user(w.alice), RemoveMember{w.red, w.alice}, ErrConflict},
		{"platform admin removes the last admin", user(w.root), RemoveMember{w.red, w.alice}, ErrConflict},
		{"last admin steps down", user(w.alice), SetGroupAdmin{w.red, w.alice, false}, ErrConflict},
		{"member makes themselves admin", user(w.bob), SetGroupAdmin{w.red, w.bob, true}, ErrDenied},
		{"admin of a group one is not in", user(w.alice), SetGroupAdmin{w.red, w.carol, true}, ErrNotFound},
		{"admin of everyone", user(w.root), SetGroupAdmin{Everyone, w.bob, true}, ErrInvalid},

		{"authkey for somebody else", user(w.alice), with(func(k *AddAuthkey) { k.Owner = w.bob }), ErrDenied},
		{"authkey for nobody", operator(), key, ErrInvalid},
		{"authkey for an unknown user", operator(), with(func(k *AddAuthkey) { k.Owner = 9999 }), ErrNotFound},
		{"ident is taken", user(w.bob), with(func(k *AddAuthkey) { k.Ident = "sensor" }), ErrConflict},
		{"no ident", user(w.bob), with(func(k *AddAuthkey) { k.Ident = "" }), ErrInvalid},
		{"ident of 256 bytes", user(w.bob), with(func(k *AddAuthkey) { k.Ident = long[:256] }), ErrInvalid},
		{"ident with an escape", user(w.bob), with(func(k *AddAuthkey) { k.Ident = "\x1b[31m" }), ErrInvalid},
		{"ident that is not text", user(w.bob), with(func(k *AddAuthkey) { k.Ident = "\xff" }), ErrInvalid},
		{"ident that was not text", user(w.bob), with(func(k *AddAuthkey) { k.Ident = "\ufffd" }), ErrInvalid},
		{"no secret", user(w.bob), with(func(k *AddAuthkey) { k.Secret = nil }), ErrInvalid},
		{"pattern on a reserved channel", user(w.bob), with(func(k *AddAuthkey) { k.Pub = []Pattern{"$acks"} }), ErrInvalid},
		{"pattern with * inside", user(w.bob), with(func(k *AddAuthkey) { k.Sub = []Pattern{"a*b"} }), ErrInvalid},
		{"257 patterns", user(w.bob), with(func(k *AddAuthkey) { k.Sub = slices.Repeat([]Pattern{"a"}, 257) }), ErrInvalid},
		{"network that is none", user(w.bob), with(func(k *AddAuthkey) { k.Networks = make([]netip.Prefix, 1) }), ErrInvalid},
		{"max_message below 0", user(w.bob), with(func(k *AddAuthkey) { k.MaxMessage = -1 }), ErrInvalid},
		{"max_message above all bounds", user(w.bob), with(func(k *AddAuthkey) { k.MaxMessage = MaxMessageLimit + 1 }),
			ErrInvalid},
		{"expires in the past", user(w.bob), with(func(k *AddAuthkey) { k.Expires = past }), ErrInvalid},
		{"expires after all years", user(w.bob), with(func(k *AddAuthkey) { k.Expires = base.AddDate(9000, 0, 0) }),
			ErrInvalid},
		{"edit another's authkey", user(w.bob), EditAuthkey{Authkey: w.key.ID}, ErrDenied},
		{"auditor edits another's authkey", user(w.audit), EditAuthkey{Authkey: w.key.ID}, ErrDenied},
		{"edit no authkey", user(w.bob), EditAuthkey{Authkey: 9999}, ErrNotFound},
		{"edit to a bad pattern", user(w.alice), EditAuthkey{Authkey: w.key.ID, Pub: &[]Pattern{""}}, ErrInvalid},
		{"edit to expire in the past", user(w.alice), EditAuthkey{Authkey: w.key.ID, Expires: &past}, ErrInvalid},
		{"remove another's authkey", user(w.bob), RemoveAuthkey{w.key.ID}, ErrDenied},
		{"remove no authkey", user(w.bob), RemoveAuthkey{9999}, ErrNotFound},

		{"share of nobody", operator(), AddShare{Channel: "x", User: w.bob}, ErrInvalid},
		{"share with oneself", user(w.bob), AddShare{Channel: "x", User: w.bob}, ErrInvalid},
		{"share with nobody", user(w.bob), AddShare{Channel: "x"}, ErrInvalid},
		{"share with two", user(w.bob), AddShare{Channel: "x", User: w.alice, Group: w.red}, ErrInvalid},
		{"share with an unknown user", user(w.bob), AddShare{Channel: "x", User: 9999}, ErrNotFound},
		{"share with an unknown group", user(w.bob), AddShare{Channel: "x", Group: 9999}, ErrNotFound},
		{"share of no channel", user(w.bob), AddShare{User: w.alice}, ErrInvalid},
		{"share of a type that is none", user(w.bob), AddShare{Channel: "x", User: w.alice, Type: "some"}, ErrInvalid},
		{"share of a history that is none", user(w.bob), AddShare{Channel: "x", User: w.alice, History: "some"}, ErrInvalid},
		{"share that has expired", user(w.bob), AddShare{Channel: "x", User: w.alice, Expires: past}, ErrInvalid},
		{"share twice", user(w.alice), AddShare{Channel: "c", User: w.bob, Type: All}, ErrConflict},
		{"remove another's share", user(w.bob), RemoveShare{w.toBob}, ErrDenied},
		{"remove no share", user(w.bob), RemoveShare{9999}, ErrNotFound},
		{"decide for nobody", operator(), DecideShare{w.toBob, true}, ErrInvalid},
		{"decide on no share", user(w.bob), DecideShare{9999, true}, ErrNotFound},
		{"decide on another's share", user(w.carol), DecideShare{w.toBob, true}, ErrDenied},
		{"decide on a share of a group one is not in", user(w.carol), DecideShare{w.toRed, true}, ErrDenied},
		{"platform admin decides for others", user(w.root), DecideShare{w.toBob, false}, ErrDenied},
		{"decide on one's own share", user(w.alice), DecideShare{w.toAll, true}, ErrInvalid},

		{"token for somebody else", user(w.alice), AddToken{Owner: w.bob, Hash: hash(9), Grant: reads}, ErrDenied},
		{"token twice", user(w.bob), AddToken{Hash: hash(1), Grant: reads}, ErrConflict},
		{"token with a short hash", user(w.bob), AddToken{Hash: []byte("x")}, ErrInvalid},
		{"remove another's token", user(w.bob), RemoveToken{w.token}, ErrDenied},
		{"remove no token", user(w.bob), RemoveToken{9999}, ErrNotFound},
		{"member holds retention", user(w.bob), HoldRetention{}, ErrDenied},
		{"member accepts a clock", user(w.bob), AcceptRetention{Clock: at(1)}, ErrDenied},
		{"retention goes on that is not held", user(w.root), ResumeRetention{}, ErrConflict},
		{"admin expires", user(w.root), Expire{}, ErrDenied},
		{"nothing has expired", operator(), Expire{}, ErrConflict},
		{"no operation", operator(), nil, ErrInvalid},
		{"a pointer", operator(), (*AddUser)(nil), ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := encode(t, w.g)
			g, out, err := w.g.Apply(1000, Command{By: tt.by, Time: at(1000), Op: tt.op})
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			var e *Error
			if !errors.As(err, &e) || e.Msg == "" {
				t.Errorf("%#v is not an *Error with a message", err)
			}
			if g != w.g || out != (Outcome{}) || string(encode(t, g)) != string(before) {
				t.Error("a refused command changed something")
			}
		})
	}
}

func TestApplyRefusesAnIndexThatIsPast(t *testing.T) {
	w := newSmall(t)
	for _, index := range []uint64{0, w.g.Index() - 1, w.g.Index()} {
		if g, _, err := w.g.Apply(index, Command{By: operator(), Op: AddUser{Handle: "eve"}}); !errors.Is(err, ErrInvalid) ||
			g != w.g {
			t.Errorf("index %d after %d: %v", index, w.g.Index(), err)
		}
	}
	if _, _, err := New().Apply(1, Command{By: operator(), Op: AddUser{Handle: "eve"}}); err != nil {
		t.Errorf("index 1: %v", err)
	}
}

// TestDisabledUsersChangeNothing: not even what is theirs.
func TestDisabledUsersChangeNothing(t *testing.T) {
	w := newSmall(t)
	w.do(operator(), EditUser{User: w.alice, Enabled: ptr(false)})
	w.do(operator(), EditUser{User: w.root, Enabled: ptr(false)})
	for _, op := range []Op{AddGroup{Name: "x"}, RemoveShare{w.toBob}, EditUser{User: w.alice, Name: ptr("x")},
		RemoveAuthkey{w.key.ID}} {
		for _, by := range []UserID{w.alice, w.root} {
			if _, err := w.try(user(by), op); !errors.Is(err, ErrDenied) {
				t.Errorf("%s by a disabled user: %v", opName(op), err)
			}
		}
	}
}

// TestAdminsChangeWhatIsOthers, and the operator too.
func TestAdminsChangeWhatIsOthers(t *testing.T) {
	for _, name := range []string{"admin", "operator"} {
		w := newSmall(t)
		by := user(w.root)
		if name == "operator" {
			by = operator()
		}
		w.do(by, EditUser{User: w.alice, Name: ptr("Alice"), Role: ptr(Auditor)})
		w.do(by, AddAuthkey{Owner: w.bob, Ident: "new", Secret: []byte("s")})
		w.do(by, EditAuthkey{Authkey: w.key.ID, Comment: ptr("moved")})
		w.do(by, RemoveAuthkey{w.key.ID})
		w.do(by, AddToken{Owner: w.bob, Hash: hash(7), Grant: reads})
		w.do(by, RemoveToken{w.token})
		w.do(by, AddMember{Group: w.red, User: w.carol})
		w.do(by, SetGroupAdmin{w.red, w.carol, true})
		w.do(by, RemoveMember{w.red, w.alice})
		w.do(by, RemoveShare{w.toBob})
		w.do(by, RemoveGroup{w.red})
		w.do(by, RemoveUser{User: w.alice})
	}
}

func TestDuplicateShareNamesTheOneThereIs(t *testing.T) {
	w := newSmall(t)
	_, err := w.try(user(w.alice), AddShare{Channel: "c", User: w.bob})
	if !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), fmt.Sprintf("#%d", w.toBob)) {
		t.Errorf("got %v, want it to name share #%d", err, w.toBob)
	}
	w.do(user(w.bob), AddShare{Channel: "c", User: w.alice})
	w.do(user(w.alice), AddShare{Channel: "c*", User: w.bob})
	w.do(user(w.alice), AddShare{Channel: "c", User: w.carol})
}

// TestLeavingAGroupEndsItsShares: and joining again starts anew, undecided and from a later place.
// A decision against a share is kept: it is another thing than none, and ends with what it is about.
func TestDecisionsAreKept(t *testing.T) {
	w := newSmall(t)
	decision := func(s ShareID, u UserID) string {
		on, decided := w.g.Decision(s, u)
		return fmt.Sprint(on, decided)
	}
	s := ShareID(w.do(user(w.alice), AddShare{Channel: "z", Group: w.red}))
	for _, step := range []struct {
		op   Op
		want string
	}{
		{nil, "false false"}, {DecideShare{Share: s}, "false true"}, {DecideShare{s, true}, "true true"},
		{DecideShare{Share: s}, "false true"}, {RemoveMember{w.red, w.bob}, "false false"},
	} {
		if step.op != nil {
			w.do(user(w.bob), step.op)
		}
		if got := decision(s, w.bob); got != step.want {
			t.Errorf("after %+v: %s, want %s", step.op, got, step.want)
		}
		if r := w.g.Reach(w.alice, "z"); r.Has(w.bob) != (step.want == "true true") {
			t.Errorf("after %+v: bob is reached: %v", step.op, r.Has(w.bob))
		}
	}
	everyone := ShareID(w.do(user(w.alice), AddShare{Channel: "z", Group: Everyone}))
	w.do(user(w.bob), DecideShare{Share: everyone})
	before := w.g.decided.Len()
	w.do(operator(), RemoveUser{User: w.bob})
	if got := decision(everyone, w.bob); got != "false false" || w.g.decided.Len() >= before {
		t.Errorf("of a user who is removed: %s", got)
	}
}

// Only the owner edits a share, and only what it says and when it ends; one that has ended stays so.
func TestEditShare(t *testing.T) {
	w := newSmall(t)
	s := ShareID(w.do(user(w.alice), AddShare{Channel: "z", User: w.bob, Note: "n", Expires: at(900)}))
	w.do(user(w.bob), DecideShare{s, true})
	if _, err := w.try(user(w.bob), EditShare{Share: s, Note: ptr("mine")}); !errors.Is(err, ErrDenied) {
		t.Errorf("by its receiver: %v", err)
	}
	for _, bad := range []EditShare{{Share: 9999}, {Share: s, Note: ptr("\x00")}, {Share: s, Expires: ptr(at(1))}} {
		if _, err := w.try(user(w.alice), bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	w.do(user(w.alice), EditShare{Share: s, Note: ptr("new"), Expires: ptr(time.Time{})})
	if got, _ := w.g.Share(s); got.Note != "new" || !got.Expires.IsZero() || got.Created.Index != uint64(s) {
		t.Errorf("%+v", got)
	}
	if _, err := w.try(operator(), Expire{}); err == nil && !w.g.Reach(w.alice, "z").Has(w.bob) {
		t.Error("it ended at the time that it had before")
	}
	w.do(user(w.alice), EditShare{Share: s, Expires: ptr(at(w.index + 2))})
	w.index += 5
	w.do(operator(), Expire{})
	if _, err := w.try(user(w.alice), EditShare{Share: s, Expires: ptr(at(900))}); !errors.Is(err, ErrConflict) {
		t.Errorf("one that has ended: %v", err)
	}
}

// A new secret leaves the old one behind only for as long as it was told to.
func TestOldSecretIsGoodForItsTime(t *testing.T) {
	w := newSmall(t)
	k := w.world.key(w.bob, "rotating", nil, nil)
	rotate := func(op EditAuthkey) *Authkey {
		t.Helper()
		op.Authkey = k.ID
		w.do(user(w.bob), op)
		now, _ := w.g.Authkey(k.ID)
		return now
	}
	until := at(w.index + 60)
	now := rotate(EditAuthkey{Secret: []byte("two"), OldUntil: until})
	if string(now.Old.Secret) != "sealed" || !now.OldSecretGood(until.Add(-1)) || now.OldSecretGood(until) {
		t.Errorf("with an overlap: %+v", now)
	}
	if now = rotate(EditAuthkey{Comment: ptr("c")}); !now.OldSecretGood(until.Add(-1)) {
		t.Error("another edit has ended it")
	}
	if now = rotate(EditAuthkey{Secret: []byte("three")}); now.Old.Secret != nil || now.OldSecretGood(until.Add(-1)) {
		t.Errorf("without an overlap: %+v", now)
	}
	for _, bad := range []EditAuthkey{{OldUntil: until}, {Secret: []byte("x"), OldUntil: at(1)}} {
		bad.Authkey = k.ID
		if _, err := w.try(user(w.bob), bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestLeavingAGroupEndsItsShares(t *testing.T) {
	w := newSmall(t)
	if from, ok := w.g.Reach(w.alice, "r1").VisibleFrom(w.bob); !ok || from != uint64(w.toRed) {
		t.Fatalf("bob sees from %d, %v, want %d", from, ok, w.toRed)
	}
	w.do(user(w.bob), RemoveMember{w.red, w.bob})
	if w.g.Accepted(w.toRed, w.bob) || w.g.Reach(w.alice, "r1").Has(w.bob) {
		t.Error("bob has left and still receives")
	}
	if !w.g.Accepted(w.toBob, w.bob) || !w.g.Accepted(w.toAll, w.bob) {
		t.Error("leaving red dropped what has nothing to do with it")
	}
	w.do(user(w.alice), AddMember{Group: w.red, User: w.bob})
	joined := w.now()
	if w.g.Accepted(w.toRed, w.bob) {
		t.Error("bob did not decide again")
	}
	w.do(user(w.bob), DecideShare{w.toRed, true})
	if from, ok := w.g.Reach(w.alice, "r1").VisibleFrom(w.bob); !ok || from != joined {
		t.Errorf("bob sees from %d, %v, want from joining at %d", from, ok, joined)
	}
}

func TestLastMemberRemovesTheGroupInstead(t *testing.T) {
	w := newSmall(t)
	w.do(user(w.bob), RemoveMember{w.red, w.bob})
	if _, err := w.try(user(w.alice), RemoveMember{w.red, w.alice}); !errors.Is(err, ErrConflict) ||
		!strings.Contains(err.Error(), "remove the group") {
		t.Errorf("got %v", err)
	}
	w.do(user(w.alice), RemoveGroup{w.red})
	if _, ok := w.g.Share(w.toRed); ok {
		t.Error("the share with the group is still there")
	}
}

// TestRemovingAUserLeavesNothing: of theirs, with them, or that leads to them.
func TestRemovingAUserLeavesNothing(t *testing.T) {
	w := newSmall(t)
	alone := w.group("alone", w.alice)
	w.share(w.bob, w.alice, AddShare{})
	w.share(w.bob, alone, AddShare{}, w.alice)
	w.share(w.bob, Everyone, AddShare{}, w.alice, w.carol)
	w.session(w.alice, 9)
	w.do(user(w.alice), SetGroupAdmin{w.red, w.bob, true})
	w.do(user(w.alice), RemoveUser{User: w.alice})
	for s := range w.g.Shares() {
		if s.Owner != w.bob || s.Group != Everyone {
			t.Errorf("share %+v is left", s)
		}
		if got := slices.Collect(w.g.Acceptances(s.ID)); !slices.Equal(got, []UserID{w.carol}) {
			t.Errorf("share #%d is accepted by %v", s.ID, got)
		}
	}
	if _, ok := w.g.Group(alone); ok {
		t.Error("a group without members is left")
	}
	if _, ok := w.g.Membership(w.red, w.alice); ok {
		t.Error("a membership is left")
	}
	if _, ok := w.g.AuthkeyByIdent("sensor"); ok {
		t.Error("an authkey is left")
	}
	if _, ok := w.g.TokenByHash(hash(1)); ok {
		t.Error("a token is left")
	}
	if _, ok := w.g.SessionByHash(hash(9)); ok {
		t.Error("a login session is left")
	}
	if _, ok := w.g.UserByHandle("alice"); ok {
		t.Error("the handle is left")
	}
}

func TestCountsAndLists(t *testing.T) {
	w := newSmall(t)
	type counts struct{ users, groups, authkeys, tokens, shares, acceptances int }
	g := w.g
	got := counts{
		g.users.byID.Len(), g.groups.byID.Len(), g.authkeys.Len(), g.tokens.Len(), g.shares.Len(), g.decided.Len(),
	}
	if want := (counts{5, 2, 2, 1, 3, 3}); got != want {
		t.Errorf("counts are %+v, want %+v", got, want)
	}
	w.do(user(w.carol), AddShare{Channel: "x", Group: w.red})
	w.do(user(w.bob), DecideShare{w.toAll, false})
	var lists []string
	for s, accepted := range w.g.SharesWith(w.bob) {
		lists = append(lists, fmt.Sprint(s.ID, accepted))
	}
	if want := []string{fmt.Sprint(w.toBob, true), fmt.Sprint(w.toAll, false), fmt.Sprint(w.toRed, true),
		fmt.Sprint(w.now()-1, false)}; !slices.Equal(lists, want) {
		t.Errorf("bob is offered %v, want %v", lists, want)
	}
	for s := range w.g.SharesWith(w.alice) {
		if s.Owner == w.alice {
			t.Errorf("alice is offered her own share #%d", s.ID)
		}
	}
	groups := slices.Collect(w.g.GroupsOf(w.alice))
	if len(groups) != 2 || groups[0].Group != Everyone || groups[0].Admin || groups[1].Group != w.red || !groups[1].Admin {
		t.Errorf("alice is in %+v", groups)
	}
	if n := len(slices.Collect(w.g.Members(Everyone))); n != 5 {
		t.Errorf("everyone has %d members", n)
	}
	for _, name := range []string{"everyone", "EVERYONE"} {
		if gr, ok := w.g.GroupByName(name); !ok || gr.ID != Everyone {
			t.Errorf("%s is %v", name, gr)
		}
	}
}

// TestExpiryTakesEffectByExpire: not before, at the command's time, and only once.
func TestExpiryTakesEffectByExpire(t *testing.T) {
	w := newSmall(t)
	if _, ok := w.g.NextExpiry(); ok {
		t.Fatal("something is due")
	}
	soon, later := at(100), at(200)
	s := w.share(w.alice, w.carol, AddShare{Expires: soon})
	k := AuthkeyID(w.do(user(w.alice),
		AddAuthkey{Ident: "short", Secret: []byte("s"), Pub: []Pattern{"*"}, Expires: soon}))
	w.do(user(w.alice), AddToken{Hash: hash(5), Expires: soon, Grant: reads})
	w.do(user(w.alice), AddToken{Hash: hash(6), Expires: later, Grant: reads})
	moved := AuthkeyID(w.do(user(w.alice), AddAuthkey{Ident: "moved", Secret: []byte("s"), Expires: soon}))
	w.do(user(w.alice), EditAuthkey{Authkey: moved, Expires: &time.Time{}})
	if next, ok := w.g.NextExpiry(); !ok || !next.Equal(soon) {
		t.Fatalf("next expiry is %v, %v, want %v", next, ok, soon)
	}
	view := NewView(w.g, 8)
	if !view.Reach(w.alice, "c").Has(w.carol) {
		t.Fatal("carol does not receive")
	}
	w.index = 99
	w.do(operator(), Expire{}) // change #100, at its minute
	view.Advance(w.g)
	if got, _ := w.g.Share(s); !got.Expired || w.g.Reach(w.alice, "c").Has(w.carol) ||
		view.Reach(w.alice, "c").Has(w.carol) {
		t.Error("the share has not expired")
	}
	if key, _ := w.g.Authkey(k); key.Enabled {
		t.Error("the authkey is enabled")
	}
	if key, _ := w.g.Authkey(moved); !key.Enabled {
		t.Error("an authkey whose expiry was taken back is disabled")
	}
	if _, ok := w.g.TokenByHash(hash(5)); ok {
		t.Error("the token is there")
	}
	if next, ok := w.g.NextExpiry(); !ok || !next.Equal(later) {
		t.Errorf("next expiry is %v, %v, want %v", next, ok, later)
	}
	if _, err := w.try(operator(), Expire{}); !errors.Is(err, ErrConflict) {
		t.Errorf("expiring again: %v", err)
	}
	if _, err := w.try(user(w.carol), DecideShare{s, true}); !errors.Is(err, ErrConflict) {
		t.Errorf("accepting an expired share: %v", err)
	}
	if _, err := w.try(user(w.alice), EditAuthkey{Authkey: k, Enabled: ptr(true)}); !errors.Is(err, ErrInvalid) {
		t.Errorf("enabling an expired authkey: %v", err)
	}
	w.do(user(w.alice), EditAuthkey{Authkey: k, Enabled: ptr(true), Expires: ptr(at(5000))})
}

// TestApplyKeepsNothingOfTheCommand: a caller may reuse its buffers.
func TestApplyKeepsNothingOfTheCommand(t *testing.T) {
	w := newSmall(t)
	op := AddAuthkey{
		Ident: "k", Secret: []byte("secret"), Pub: []Pattern{"a"}, Sub: []Pattern{"b"},
		Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}
	id := AuthkeyID(w.do(user(w.bob), op))
	before := encode(t, w.g)
	op.Secret[0], op.Pub[0], op.Sub[0], op.Networks[0] = 'X', "X", "X", netip.Prefix{}
	secret, pub := []byte("other"), []Pattern{"p"}
	if string(encode(t, w.g)) != string(before) {
		t.Error("the graph has changed with the caller's buffer")
	}
	w.do(user(w.bob), EditAuthkey{Authkey: id, Secret: secret, Pub: &pub})
	before = encode(t, w.g)
	secret[0], pub[0] = 'X', "X"
	if string(encode(t, w.g)) != string(before) {
		t.Error("the graph has changed with the caller's buffer")
	}
}

func TestAdminWhoStepsDownManagesNoMore(t *testing.T) {
	w := newSmall(t)
	w.do(user(w.alice), SetGroupAdmin{w.red, w.bob, true})
	w.do(user(w.bob), AddMember{Group: w.red, User: w.carol})
	w.do(user(w.bob), SetGroupAdmin{w.red, w.bob, false})
	if _, err := w.try(user(w.bob), RemoveMember{w.red, w.carol}); !errors.Is(err, ErrDenied) {
		t.Errorf("bob removes a member after stepping down: %v", err)
	}
	if _, err := w.try(user(w.alice), RemoveMember{w.red, w.alice}); !errors.Is(err, ErrConflict) {
		t.Errorf("alice is the last admin again and leaves: %v", err)
	}
}
