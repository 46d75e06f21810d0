package definitions

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/internal/guessable"
)

func (d *differ) authkeys(want []Authkey) {
	have := make(map[string]Authkey)
	for _, k := range d.have.Authkeys {
		have[k.Ident] = k
	}
	for _, k := range want {
		old, ok := have[k.Ident]
		delete(have, k.Ident)
		if !ok {
			d.newAuthkey(k)
		} else {
			d.authkey(old, k)
		}
	}
	for _, k := range d.have.Authkeys {
		if _, left := have[k.Ident]; left && d.drops(KindAuthkey, k.Comment) {
			d.add(endAccess, "remove", KindAuthkey, k.Ident, nil, order(api.RemoveAuthkey, api.IdentPath{Ident: k.Ident}))
		}
	}
}

func (d *differ) newAuthkey(k Authkey) {
	add := api.NewAuthkey{
		Ident: k.Ident, Secret: api.Secret{Secret: k.Secret}, Owner: k.Owner, Comment: k.Comment, Pub: k.Pub, Sub: k.Sub,
		Networks: k.Networks, MaxMessage: k.MaxMessage, Weak: true,
	}
	disabled := k.Disabled
	if k.Expires != nil && k.Expires.After(time.Now()) {
		add.Expires = k.Expires
	} else if k.Expires != nil {
		disabled = true
	}
	do := order(api.AddAuthkey, api.With[api.NewAuthkey]{Body: add})
	if disabled {
		do = inTurn(do, order(api.EditAuthkey, api.AuthkeyEdit{IdentPath: api.IdentPath{Ident: k.Ident},
			Body: api.AuthkeyChanges{Enabled: new(false)}}))
	}
	details := []string{"owner: " + k.Owner}
	if k.Secret.Empty() {
		details = append(details, "with a new secret")
	} else {
		details = append(details, weakness(k)...)
	}
	d.add(makeAuthkeys, "add", KindAuthkey, k.Ident, append(details, k.stated()...), do)
}

func (d *differ) authkey(old, k Authkey) {
	if fold(old.Owner) != fold(k.Owner) && d.drops(KindAuthkey, old.Comment) && !k.Secret.Empty() {
		d.add(endAccess, "remove", KindAuthkey, k.Ident, []string{"owner: " + old.Owner},
			order(api.RemoveAuthkey, api.IdentPath{Ident: k.Ident}))
		d.newAuthkey(k)
		return
	}
	if fold(old.Owner) != fold(k.Owner) {
		d.conflict(KindAuthkey, k.Ident, "it is of %s, not of %s: an authkey does not change hands", old.Owner, k.Owner)
		return
	}
	diff, changes := changesOf(old, k)
	rotate := !k.Secret.Empty() && !old.Secret.Empty() && !k.Secret.Equal(old.Secret)
	if d.mode.Keep { // it is the same in what it says and allows, or it is another
		var essential differs
		essential.compare("pub", joined(old.Pub), joined(k.Pub))
		essential.compare("sub", joined(old.Sub), joined(k.Sub))
		essential.compare("disabled", old.Disabled, k.Disabled)
		if len(k.Networks) > 0 {
			essential.compare("networks", joined(texts(old.Networks)), joined(texts(k.Networks)))
		}
		if k.Expires != nil && !sameTime(old.Expires, k.Expires) {
			essential.compare("expires", timeText(old.Expires), timeText(k.Expires))
		}
		if k.MaxMessage != 0 {
			essential.compare("max_message", old.MaxMessage, k.MaxMessage)
		}
		if rotate {
			essential = append(essential, "it has another secret")
		}
		if len(essential) > 0 {
			d.conflict(KindAuthkey, k.Ident, "it exists, and differs: %s", strings.Join(essential, "; "))
		}
		return
	}
	do := order(api.EditAuthkey, api.AuthkeyEdit{IdentPath: api.IdentPath{Ident: k.Ident}, Body: changes})
	if rotate {
		in := api.AuthkeyRotate{IdentPath: api.IdentPath{Ident: k.Ident}}
		in.Body.Secret, in.Body.Weak = api.Secret{Secret: k.Secret}, true
		if len(diff) == 0 {
			do = order(api.RotateAuthkey, in)
		} else {
			do = inTurn(order(api.RotateAuthkey, in), do)
		}
		diff = append(append(diff, "another secret"), weakness(k)...)
	}
	if len(diff) > 0 {
		d.add(makeAuthkeys, "change", KindAuthkey, k.Ident, diff, do)
	}
}

// weakness warns of a secret that is guessed first. It is taken: software that is there already has it.
func weakness(k Authkey) []string {
	if err := guessable.CheckSecret(k.Secret, k.Ident); err != nil {
		return []string{"weak: " + err.Error() + "; give it another with `hpfriends authkey rotate`"}
	}
	return nil
}

// changesOf returns what makes an authkey another, in words and for the API.
func changesOf(old, k Authkey) (diff differs, c api.AuthkeyChanges) {
	changed := func(name string, have, want any) bool {
		n := len(diff)
		diff.compare(name, have, want)
		return len(diff) > n
	}
	if changed("comment", old.Comment, k.Comment) {
		c.Comment = &k.Comment
	}
	if changed("pub", joined(old.Pub), joined(k.Pub)) {
		c.Pub = new(orEmpty(k.Pub))
	}
	if changed("sub", joined(old.Sub), joined(k.Sub)) {
		c.Sub = new(orEmpty(k.Sub))
	}
	if changed("disabled", old.Disabled, k.Disabled) {
		c.Enabled = new(!k.Disabled)
	}
	if !sameTime(old.Expires, k.Expires) {
		diff.compare("expires", timeText(old.Expires), timeText(k.Expires))
		if c.Expires = k.Expires; c.Expires == nil {
			c.Expires = new(time.Time)
		}
	}
	if changed("networks", joined(texts(old.Networks)), joined(texts(k.Networks))) {
		c.Networks = new(orEmpty(k.Networks))
	}
	if changed("max_message", old.MaxMessage, k.MaxMessage) {
		c.MaxMessage = &k.MaxMessage
	}
	return diff, c
}

func texts(networks []netip.Prefix) (all []string) {
	for _, n := range networks {
		all = append(all, n.String())
	}
	return all
}

// joined is a list in words, in the order of its names.
func joined[T ~string](list []T) string {
	text := ""
	for i, s := range sortedCopy(list) {
		if i > 0 {
			text += " "
		}
		text += string(s)
	}
	return text
}

func orEmpty[T any](list []T) []T { return append([]T{}, slices.Clip(list)...) }

func timeText(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return fmt.Sprint(t.UTC().Format(time.RFC3339))
}
