package graph

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"hpfriends/graph/limit"
	"hpfriends/graph/scope"
	"hpfriends/internal/golden"
)

// story is a history in which every operation succeeds, with something in every field. Its commands are numbered from 1
// on.
func story() []Command {
	const (
		ada, bob, eve, lab             = 1, 2, 3, 4
		adasKey, bobsKey, toBob, toLab = 7, 9, 10, 11
	)
	var all []Command
	do := func(by Actor, op Op) {
		all = append(all, Command{By: by, Time: at(uint64(len(all) + 1)), Op: op})
	}
	networks := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	do(operator(), AddUser{Handle: "Ada", Name: "Ada L.", Password: "$argon2id$ada", Role: Admin})
	do(operator(), AddUser{Handle: "bob"})
	do(operator(), AddUser{Handle: "eve", Role: Auditor})
	do(user(ada), AddGroup{Name: "lab <1>"})
	do(user(ada), AddMember{Group: lab, User: bob})
	do(user(ada), SetGroupAdmin{Group: lab, User: bob, Admin: true})
	do(user(bob), AddAuthkey{
		Owner: bob, Ident: "sensor ünal", Secret: []byte{0, 1, 255}, Comment: "c&d", Pub: []Pattern{"c", "d*"},
		Sub:     []Pattern{"*"},
		Expires: at(500), Networks: networks, MaxMessage: 9000,
	})
	do(user(ada), EditAuthkey{
		Authkey: adasKey, Secret: []byte{2}, Comment: ptr(""), Pub: &[]Pattern{"c"}, Sub: &[]Pattern{}, Enabled: ptr(true),
		Expires: ptr(at(20)), Networks: &networks, MaxMessage: ptr(0),
	})
	do(user(bob), AddAuthkey{Ident: "reader", Secret: []byte{3}, Sub: []Pattern{"*"}})
	do(user(ada), AddShare{Channel: "c", User: bob, Type: All, History: Full, Note: "n", Expires: at(20)})
	do(Actor{User: ada, Operator: true, From: "socket"}, AddShare{Channel: "d*", Group: lab})
	do(user(bob), DecideShare{Share: toBob, Accept: true})
	do(user(bob), DecideShare{Share: toLab, Accept: true})
	do(user(bob), DecideShare{Share: toLab})
	do(user(ada), AddToken{Owner: bob, Hash: hash(1), Comment: "t", Expires: at(20), Grant: reads})
	do(user(ada), AddToken{Hash: hash(2), Comment: "old", Grant: reads})
	do(operator(),
		EditUser{User: bob, Name: ptr("Bob"), Password: ptr("$argon2id$bob"), Role: ptr(Auditor), Enabled: ptr(true)})
	do(user(eve), AddGroup{Name: "old"})
	do(user(eve), AddMember{Group: 18, User: bob})
	do(operator(), Expire{}) // the authkey 7, the share 10, the token 15
	do(user(bob), RemoveMember{Group: 18, User: bob})
	do(user(eve), RemoveGroup{Group: 18})
	do(user(bob), RemoveAuthkey{Authkey: bobsKey})
	do(user(ada), RemoveShare{Share: toLab})
	do(user(ada), RemoveToken{Token: 16})
	do(user(eve), RemoveUser{User: eve})
	// What is left at the end has an object of each kind.
	do(user(ada), AddAuthkey{
		Ident: "key", Secret: []byte{4}, Comment: "k", Pub: []Pattern{"c"}, Sub: []Pattern{"c", "d*"}, Expires: at(900),
		Networks: networks, MaxMessage: 700,
	})
	do(user(bob), AddShare{Channel: "d*", Group: lab, Type: All, History: Full, Note: "to the lab", Expires: at(900)})
	do(user(ada), DecideShare{Share: 28, Accept: true})
	do(user(bob), AddToken{Hash: hash(3), Comment: "b", Expires: at(900), Grant: scope.Grant{
		Scopes: []scope.Scope{scope.Publish, scope.Manage}, Channel: "d*",
	}})
	do(user(bob), AddSession{Hash: hash(4), Agent: "Mozilla/5.0", Expires: at(900)})
	do(Actor{User: bob, Session: 31, From: "192.0.2.1"}, AddSession{Hash: hash(5), Expires: at(900)})
	do(Actor{User: bob, Session: 31, From: "192.0.2.1"}, ClearSessions{User: bob})
	do(user(bob), AddSession{Hash: hash(6), Expires: at(900)})
	do(user(bob), RemoveSession{Session: 34})
	do(user(ada), EditUser{User: ada, Role: ptr(Member)})
	do(operator(), AddUser{Handle: "root", Role: Admin, First: true})
	do(user(bob), EditShare{Share: 28, Note: ptr("n"), Expires: ptr(at(800))})
	do(user(ada), EditAuthkey{Authkey: 27, Secret: []byte{5}, OldUntil: at(100)})
	do(user(ada), AddShare{Channel: "e", User: bob})
	do(user(bob), DecideShare{Share: 40})
	do(operator(), HoldRetention{})
	do(operator(), ResumeRetention{})
	do(operator(), HoldRetention{})
	do(operator(), AcceptRetention{Clock: at(38)})
	do(operator(), AddInvitation{Hash: hash(7), Role: Auditor, Group: lab, Note: "n", Uses: 2, Expires: at(900)})
	do(operator(), AcceptInvitation{Hash: hash(7), Handle: "new", Name: "N.", Password: "$argon2id$new"})
	do(user(ada), AddInvitation{Hash: hash(8), Group: lab, Uses: 1, Expires: at(900)})
	do(user(37), AcceptInvitation{Hash: hash(8)})
	do(operator(), AddInvitation{Hash: hash(9), Role: Member, Uses: 1, Expires: at(900)})
	do(user(37), RemoveInvitation{Invitation: 50})
	do(operator(), AddUser{Handle: "eva", Role: Admin})
	do(user(37), EditUser{User: 52, Enabled: ptr(false), KeepAdmin: true})
	do(user(37), RemoveUser{User: 52, KeepAdmin: true})
	do(user(37), SetLimits{User: bob, Set: limit.Set{Authkeys: ptr(uint32(2000)), Bytes: ptr(uint32(1 << 30 / 2))}})
	do(user(37), SetLimits{User: bob, Set: limit.Set{
		Authkeys: ptr(uint32(0)), Shares: ptr(uint32(1)), Groups: ptr(uint32(2)), Tokens: ptr(uint32(3)),
		Invitations: ptr(uint32(4)), Members: ptr(uint32(5)), Changes: ptr(uint32(6)),
	}})
	do(Actor{User: bob, Token: 30, From: "192.0.2.1"}, RevealAuthkey{Authkey: 7})
	do(user(37), RevealAuthkey{Authkey: 27})
	do(user(37), AddGroup{Name: "club"})
	do(user(bob), AskToJoin{Group: 59, Note: "I know <ada>"})
	do(user(37), AddMember{Group: 59, User: bob, Asked: true})
	do(user(ada), AskToJoin{Group: 59})
	do(user(37), RemoveRequest{Group: 59, User: ada})
	do(user(ada), AskToJoin{Group: 59, Note: "please"})
	do(user(47), AskToJoin{Group: 59})
	return all
}

// The log holds commands for ever, and stored graphs as long: their bytes stay what they are.
func TestStoredBytes(t *testing.T) {
	g, met := New(), make(map[string]bool)
	var log bytes.Buffer
	for i, c := range story() {
		index := uint64(i + 1)
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		met[c.OpName()] = true
		log.Write(append(data, '\n'))
		if g, _, err = g.Replay(index, data); err != nil {
			t.Fatal(err)
		}
	}
	for _, op := range everyOp() {
		if !met[opName(op)] {
			t.Errorf("the story lacks %s", opName(op))
		}
	}
	golden.Compare(t, "commands.ndjson", log.Bytes())
	golden.Compare(t, "graph.bin", encode(t, g))
}

// What was stored once is read for ever.
func TestStoredBytesAreRead(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", "golden", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	told := story()
	for i, line := range bytes.Split(bytes.TrimSpace(read("commands.ndjson")), []byte("\n")) {
		var c Command
		if err := json.Unmarshal(line, &c); err != nil || !reflect.DeepEqual(c, told[i]) {
			t.Errorf("%s\nis read as %+v, %v\nwant       %+v", line, c, err, told[i])
		}
	}
	for _, name := range []string{"graph.v1.bin", "graph.v2.bin", "graph.bin"} { // with limits, with requests
		g, stored := new(Graph), read(name)
		if err := g.UnmarshalBinary(stored); err != nil || !bytes.Equal(encode(t, g), stored) {
			t.Errorf("the stored graph %s became another: %v", name, err)
		}
	}
}
