package definitions

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hpfriends/api"
)

// Mode says what of a server may be changed.
type Mode struct {
	// Keep leaves authkeys, users and groups that exist as they are: that one differs is a Conflict.
	Keep bool
	// Drop decides what is removed because the document does not have it. nil: nothing is.
	Drop func(kind, comment string) bool
}

// Everything removes all that the document does not have, but users: with them goes all that is theirs.
func Everything(kind, _ string) bool { return kind != KindUser }

// The kinds of what a Change is about.
const (
	KindUser    = "user"
	KindGroup   = "group"
	KindAuthkey = "authkey"
	KindShare   = "share"
)

// Change is one difference between a server and a document, and how to end it.
type Change struct {
	Action  string   `json:"action"` // add, change or remove
	Kind    string   `json:"kind"`
	Name    string   `json:"name"`
	Details []string `json:"details,omitempty"` // in words

	phase phase
	do    func(context.Context, *api.Client) error
}

// phase orders the changes. What takes away comes first, and an authkey comes last: it finds everything in place.
type phase int

const (
	endAccess phase = iota
	endShares
	makeUsers
	makeGroups
	makeShares
	makeAuthkeys
	endGroups
	endUsers
	phases
)

// Conflict is what the document has otherwise than the server, where it may not be changed.
type Conflict struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	What string `json:"what"`
}

func (c Conflict) String() string { return fmt.Sprintf("%s %q: %s", c.Kind, c.Name, c.What) }

// Diff returns what is to be changed on a server for it to be as the document says, and where that may not be. Secrets
// are compared where both are known.
func Diff(have State, want Document, mode Mode) ([]Change, []Conflict) {
	d := differ{have: have, mode: mode}
	d.users(want.Users)
	d.groups(want.Groups)
	d.shares(want.Shares)
	d.authkeys(want.Authkeys)
	slices.SortStableFunc(d.changes, func(a, b Change) int { return int(a.phase - b.phase) })
	return d.changes, d.conflicts
}

type differ struct {
	have      State
	mode      Mode
	changes   []Change
	conflicts []Conflict
}

func (d *differ) add(p phase, action, kind, name string, details []string,
	do func(context.Context, *api.Client) error) {
	d.changes = append(d.changes, Change{action, kind, name, details, p, do})
}

func (d *differ) conflict(kind, name, format string, args ...any) {
	d.conflicts = append(d.conflicts, Conflict{kind, name, fmt.Sprintf(format, args...)})
}

func (d *differ) drops(kind, comment string) bool {
	return d.mode.Drop != nil && d.mode.Drop(kind, comment)
}

// order calls an operation whose answer nobody needs.
func order[In, Out any](op api.Op[In, Out], in In) func(context.Context, *api.Client) error {
	return func(ctx context.Context, server *api.Client) error {
		_, err := op.Call(ctx, server, in)
		return err
	}
}

// inTurn does one thing after the other.
func inTurn(steps ...func(context.Context, *api.Client) error) func(context.Context, *api.Client) error {
	return func(ctx context.Context, server *api.Client) error {
		for _, step := range steps {
			if err := step(ctx, server); err != nil {
				return err
			}
		}
		return nil
	}
}

// as does something for a user.
func as(handle string, do func(context.Context, *api.Client) error) func(context.Context, *api.Client) error {
	return func(ctx context.Context, server *api.Client) error { return do(ctx, server.For(handle)) }
}

// index finds things by name.
func index[T any](list []T, name func(T) string) map[string]T {
	m := make(map[string]T, len(list))
	for _, v := range list {
		m[fold(name(v))] = v
	}
	return m
}

// differs collects in words what of an object is other than it should be.
type differs []string

func (d *differs) compare(name string, have, want any) {
	if h, w := fmt.Sprint(have), fmt.Sprint(want); h != w {
		*d = append(*d, fmt.Sprintf("%s: %s -> %s", name, orNone(h), orNone(w)))
	}
}

func (d *differs) set(name string, have, want []string) {
	d.compare(name, strings.Join(sortedCopy(have), " "), strings.Join(sortedCopy(want), " "))
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
