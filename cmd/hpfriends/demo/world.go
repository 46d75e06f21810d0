package demo

import (
	"context"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/load"
)

// person is somebody who takes part.
type person struct {
	handle, name, about string
	role                graph.Role
}

// cast is who takes part.
var cast = []person{
	{"ada", "Ada Lindqvist", "runs cowrie and dionaea sensors", graph.Member},
	{"bob", "Bob Okafor", "malware researcher; passes cowrie sessions on", graph.Member},
	{"cleo", "Cleo Marchetti", "works at a CERT", graph.Member},
	{"honeymap", "HoneyMap", "draws attacks on a map", graph.Member},
	{"nils", "Nils Dahl", "has just been invited", graph.Member},
	{"eve", "Eve Tanaka", "audits", graph.Auditor},
	admin,
}

// admin is there from the start.
var admin = person{"grace", "Grace Mbeki", "runs this server", graph.Admin}

// watchers are those whose clients receive, and are told about in the terminal.
var watchers = []string{"bob", "cleo", "honeymap"}

// password is everybody's: the demo listens on loopback only.
const password = "honey-for-everyone"

// key is an authkey of the demo; its secret is as load.KeyOf has it, or of its own.
type key struct {
	owner, ident, comment string
	pub, sub              []graph.Pattern
	expires               time.Duration // 0: never
	disabled              bool
}

const (
	cowrieKey  = "cowrie-fra1"
	dionaeaKey = "dionaea-sin2"
	placesKey  = "geoloc-enricher"
	webKey     = "snare-muc1"
	oldKey     = "kippo-2019"
)

var keys = []key{
	{owner: "ada", ident: cowrieKey, comment: "cowrie on pot1, Frankfurt",
		pub: channels("cowrie.sessions", "cowrie.ttylog")},
	{owner: "ada", ident: dionaeaKey, comment: "dionaea on pot2, Singapore",
		pub: channels("dionaea.*", "mwbinary.dionaea.sensorunique")},
	{owner: "ada", ident: placesKey, comment: "looks up where attackers are", pub: channels("geoloc.events"),
		sub: channels("cowrie.sessions", "dionaea.capture")},
	{owner: "ada", ident: "pot3-lab", comment: "switched off until the move to Lisbon",
		pub: channels("cowrie.*"), disabled: true},
	{owner: "ada", ident: oldKey, comment: "replaced by cowrie-fra1",
		pub: channels("kippo.sessions"), expires: time.Second},
	{owner: "bob", ident: webKey, comment: "SNARE and TANNER, München", pub: channels("tanner.events")},
	{owner: "bob", ident: "sandbox-feed", comment: "fetches samples for the sandbox",
		sub: channels("mwbinary.*", "dionaea.capture"), expires: 30 * 24 * time.Hour},
	{owner: "cleo", ident: "misp-import", comment: "writes indicators to MISP", sub: channels("*")},
}

func channels(patterns ...graph.Pattern) []graph.Pattern { return patterns }

// secretOf is the secret of an authkey. Those of the demo are no secret.
func secretOf(ident string) load.Key { return load.Key{Ident: ident, Secret: "secret-of-" + ident} }

// groups are the groups, each with who has made it first.
var groups = [][]string{
	{"honeynet", "bob", "ada", "cleo"},
	{"cert-eu", "cleo", "eve"},
	{"malware-exchange", "bob", "cleo", "nils"},
}

// asking is who asks to join which group.
var asking = []struct{ who, group, note string }{
	{"nils", "honeynet", "Two cowrie sensors in Tromsø; Bob knows me from the workshop"},
	{"honeymap", "malware-exchange", ""},
}

// sharing is a share, and who has decided what about it.
type sharing struct {
	from              string
	share             api.NewShare
	expires           time.Duration // 0: never
	enabled, disabled []string
}

var sharings = []sharing{
	{from: "ada", share: api.NewShare{Channel: "dionaea.*", To: "group:honeynet", Note: "TLP:GREEN"},
		enabled: []string{"bob"}}, // cleo has not enabled it yet
	{from: "ada", share: api.NewShare{Channel: "cowrie.sessions", To: "bob"}, enabled: []string{"bob"}},
	{from: "bob", share: api.NewShare{Channel: "cowrie.sessions", To: "cleo", Type: graph.All,
		Note: "Ada's sensors, with her permission"}, enabled: []string{"cleo"}},
	{from: "ada", share: api.NewShare{Channel: "geoloc.events", To: "group:everyone", Note: "For the map"},
		enabled: []string{"honeymap", "bob", "grace"}},
	{from: "bob", share: api.NewShare{Channel: "tanner.events", To: "group:malware-exchange", History: graph.Full},
		enabled: []string{"cleo"}, disabled: []string{"nils"}},
	{from: "ada", share: api.NewShare{Channel: "mwbinary.dionaea.sensorunique", To: "bob", History: graph.Full,
		Note: "Samples: handle with care"}, enabled: []string{"bob"}},
	{from: "cleo", share: api.NewShare{Channel: "cert.advisories", To: "group:everyone"}, enabled: []string{"ada"}},
	{from: "ada", share: api.NewShare{Channel: "kippo.sessions", To: "cleo"}, expires: time.Second,
		enabled: []string{"cleo"}},
}

// later are those that came a day after.
var later = []sharing{
	{from: "bob", share: api.NewShare{Channel: "tanner.events", To: "ada", Note: "TLP:AMBER, until the paper is out"},
		expires: 14 * 24 * time.Hour},
	{from: "cleo", share: api.NewShare{Channel: "cert.advisories", To: "ada"}, disabled: []string{"ada"}},
}

// populate makes the users, their groups, authkeys and shares through the API.
func (d *demo) populate(ctx context.Context) error {
	if err := d.addPeople(ctx); err != nil {
		return err
	}
	if err := d.addKeys(ctx); err != nil {
		return err
	}
	return d.addShares(ctx, sharings)
}

func (d *demo) addPeople(ctx context.Context) error {
	named := api.UserEdit{HandlePath: api.HandlePath{Handle: admin.handle}, Body: api.UserChanges{Name: &admin.name}}
	if _, err := api.EditUser.Call(ctx, d.api, named); err != nil {
		return err
	}
	for _, u := range cast {
		if u == admin {
			continue
		}
		_, err := api.AddUser.Call(ctx, d.api, api.With[api.NewUser]{Body: api.NewUser{
			Handle: u.handle, Name: u.name, Role: u.role, Password: api.NewSecret(password),
		}})
		if err != nil {
			return err
		}
	}
	for _, g := range groups {
		as := d.api.As(g[1])
		if _, err := api.AddGroup.Call(ctx, as, api.With[api.NewGroup]{Body: api.NewGroup{Name: g[0]}}); err != nil {
			return err
		}
		for _, member := range g[2:] {
			in := api.MemberAdd{GroupPath: api.GroupPath{Group: g[0]}, Body: api.NewMember{User: member}}
			if _, err := api.AddMember.Call(ctx, as, in); err != nil {
				return err
			}
		}
	}
	return nil
}

// invite has people ask to join groups, and makes open invitations.
func (d *demo) invite(ctx context.Context) error {
	for _, a := range asking {
		in := api.JoinRequestAdd{GroupPath: api.GroupPath{Group: a.group}, Body: api.NewJoinRequest{Note: a.note}}
		if _, err := api.AskToJoin.Call(ctx, d.api.As(a.who), in); err != nil {
			return err
		}
	}
	for who, i := range map[string]api.NewInvitation{
		"grace": {Role: graph.Member, Note: "for the workshop in Kraków", Uses: 12},
		"bob":   {Group: "honeynet", Note: "welcome aboard"},
	} {
		if _, err := api.AddInvitation.Call(ctx, d.api.As(who), api.With[api.NewInvitation]{Body: i}); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) addKeys(ctx context.Context) error {
	for _, handle := range watchers {
		if err := load.AddKey(ctx, d.api.As(handle), load.KeyOf(handle)); err != nil {
			return err
		}
	}
	for _, k := range keys {
		as := d.api.As(k.owner)
		made := api.NewAuthkey{
			Ident: k.ident, Secret: api.NewSecret(secretOf(k.ident).Secret), Comment: k.comment, Pub: k.pub, Sub: k.sub,
			Expires: in(k.expires),
		}
		if _, err := api.AddAuthkey.Call(ctx, as, api.With[api.NewAuthkey]{Body: made}); err != nil {
			return err
		}
		if !k.disabled {
			continue
		}
		edit := api.AuthkeyEdit{IdentPath: api.IdentPath{Ident: k.ident}, Body: api.AuthkeyChanges{Enabled: new(bool)}}
		if _, err := api.EditAuthkey.Call(ctx, as, edit); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) addShares(ctx context.Context, all []sharing) error {
	for _, s := range all {
		s.share.Expires = in(s.expires)
		made, err := api.AddShare.Call(ctx, d.api.As(s.from), api.With[api.NewShare]{Body: s.share})
		if err != nil {
			return err
		}
		share := api.SharePath{ID: made.ID}
		for _, who := range s.enabled {
			if _, err := api.AcceptShare.Call(ctx, d.api.As(who), share); err != nil {
				return err
			}
		}
		for _, who := range s.disabled {
			if _, err := api.DisableShare.Call(ctx, d.api.As(who), share); err != nil {
				return err
			}
		}
	}
	return nil
}

// in is that much later than now, however long ago it is made; nil for 0.
func in(d time.Duration) *time.Time {
	if d == 0 {
		return nil
	}
	t := time.Now().Add(d)
	return &t
}
