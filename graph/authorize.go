package graph

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"hpfriends/graph/scope"
)

// The checks that the May functions make, in their order: the Gate of the Error says which one failed.
const (
	GateAuthkey  = "authkey"  // it exists
	GateEnabled  = "enabled"  // it is enabled
	GateOwner    = "owner"    // its owner is enabled
	GateExpired  = "expired"  // it has not expired
	GateNetwork  = "network"  // it may be used from this address
	GateReserved = "reserved" // the channel is not reserved
	GatePattern  = "pattern"  // one of its patterns matches
)

func denied(gate, hint, format string, args ...any) *Error {
	err := refuse(Denied, hint, format, args...)
	err.Gate = gate
	return err
}

// admit decides whether the actor may change anything at all, and notes whether they may change what is others'.
func (d *draft) admit() error {
	u, ok := d.User(d.by.User)
	if d.by.Operator {
		if !ok && d.by.User != 0 {
			return noSuch("user", uint64(d.by.User))
		}
		d.privileged = true
		return nil
	}
	if !ok {
		return refuse(Denied, "log in", "user #%d does not exist", d.by.User)
	}
	if !u.Enabled {
		return refuse(Denied, "ask an admin", "user %s is disabled", u.Handle)
	}
	if d.by.Session != 0 { // it may have ended on its way here
		if s, ok := d.Session(d.by.Session); !ok || s.Owner != u.ID {
			return refuse(Denied, "log in again", "the login session of %s has ended", u.Handle)
		}
	}
	d.privileged = u.Role == Admin
	if d.by.Token != 0 {
		t, ok := d.Token(d.by.Token)
		if !ok || t.Owner != u.ID {
			return refuse(Denied, "make another one", "the API token of %s has been removed", u.Handle)
		}
		d.privileged = d.privileged && t.Grant.Has(scope.Admin)
	}
	return nil
}

func (d *draft) requireAdmin(what string) error {
	if d.privileged {
		return nil
	}
	return refuse(Denied, "ask an admin", "only admins may %s", what)
}

// requireUser refuses an operator who acts for nobody.
func (d *draft) requireUser(why string) error {
	if d.by.User != 0 {
		return nil
	}
	return refuse(Invalid, "say on whose behalf", "%s", why)
}

// requireOwner refuses to change what belongs to somebody else.
func (d *draft) requireOwner(owner UserID, what string) error {
	if d.privileged || owner == d.by.User {
		return nil
	}
	return refuse(Denied, "ask the owner or an admin", "%s is not yours to change", what)
}

// enabledAuthkey returns the authkey as it is in g, if it and its owner are enabled. key may be of any version.
func (g *Graph) enabledAuthkey(key *Authkey) (*Authkey, error) {
	if key == nil {
		return nil, denied(GateAuthkey, "", "no authkey")
	}
	k, ok := g.Authkey(key.ID)
	if !ok {
		return nil, denied(GateAuthkey, "use another authkey", "authkey %s has been removed", key.Ident)
	}
	if !k.Enabled {
		return nil, denied(GateEnabled, "its owner can enable it", "authkey %s is disabled", k.Ident)
	}
	if !g.enabled(k.Owner) {
		return nil, denied(GateOwner, "ask an admin", "the owner of authkey %s is disabled", k.Ident)
	}
	return k, nil
}

// MayPublish decides, by g, whether an authkey may publish on a channel that is not reserved: it and its owner are
// enabled, and a publish pattern matches. Errors are ErrDenied with the Gate, or ErrInvalid for what is no channel.
func (g *Graph) MayPublish(key *Authkey, channel string) error {
	k, err := g.enabledAuthkey(key)
	if err != nil {
		return err
	}
	if strings.HasPrefix(channel, "$") || strings.HasSuffix(channel, "..broker") { // the broker speaks there
		return denied(GateReserved, "choose another name", "channel %q is reserved", Clip(channel))
	}
	if err := ValidateChannel(channel); err != nil {
		return err
	}
	if !anyCovers(k.Pub, Pattern(channel)) {
		return denied(GatePattern, "add a publish pattern to the authkey",
			"no publish pattern of authkey %s matches %q", k.Ident, Clip(channel))
	}
	return nil
}

// MaySubscribe decides whether an authkey may subscribe to a channel or to all channels of a pattern: it and its owner
// are enabled, and a subscribe pattern covers all of what is asked for. Of the reserved channels, $acks is for every
// authkey, $audit for those to which it is granted by its name, and the others for those that may subscribe to
// anything. Errors are ErrDenied with the Gate, or ErrInvalid for what is neither channel nor pattern.
func (g *Graph) MaySubscribe(key *Authkey, channelOrPattern string) error {
	k, err := g.enabledAuthkey(key)
	if err != nil {
		return err
	}
	p := Pattern(channelOrPattern)
	if strings.HasPrefix(channelOrPattern, "$") {
		if slices.Contains(k.Sub, p) || p == "$acks" || len(k.Sub) > 0 && p != Audit {
			return nil
		}
		why := "authkey %s may not subscribe to %q"
		return denied(GateReserved, "add it to the authkey's subscribe patterns", why, k.Ident, Clip(channelOrPattern))
	}
	if err = p.Validate(); !p.IsPrefix() {
		err = ValidateChannel(channelOrPattern)
	}
	if err != nil {
		return err
	}
	if !anyCovers(k.Sub, p) {
		return denied(GatePattern, "add a subscribe pattern to the authkey",
			"no subscribe pattern of authkey %s covers %q", k.Ident, Clip(channelOrPattern))
	}
	return nil
}

// MayLogin decides whether an authkey may be used from an address at a time: it and its owner are enabled, it has not
// expired, and the address is in its networks, if it has any. Errors are ErrDenied with the Gate.
func (g *Graph) MayLogin(key *Authkey, addr netip.Addr, now time.Time) error {
	k, err := g.enabledAuthkey(key)
	if err != nil {
		return err
	}
	if !k.Expires.IsZero() && !k.Expires.After(now) {
		return denied(GateExpired, "its owner can extend it", "authkey %s has expired", k.Ident)
	}
	if len(k.Networks) == 0 {
		return nil
	}
	addr = addr.Unmap().WithZone("")
	for _, n := range k.Networks {
		if n.Contains(addr) {
			return nil
		}
	}
	return denied(GateNetwork, "its owner can allow more networks", "authkey %s may not be used from %s", k.Ident, addr)
}

// MayRunCluster decides whether the actor may change the cluster that the nodes form: the operator and admins may.
func (g *Graph) MayRunCluster(by Actor) error {
	d := draft{Graph: g, by: by}
	if err := d.admit(); err != nil {
		return err
	}
	if !d.privileged {
		return refuse(Denied, "ask an admin", "only admins run the cluster")
	}
	return nil
}

// MayEditAuthkey decides whether the actor may change what belongs to an authkey and is not part of the graph, such as
// its cursors: as EditAuthkey decides.
func (g *Graph) MayEditAuthkey(by Actor, id AuthkeyID) error {
	d := draft{Graph: g, by: by}
	if err := d.admit(); err != nil {
		return err
	}
	return EditAuthkey{Authkey: id}.authorize(&d)
}
