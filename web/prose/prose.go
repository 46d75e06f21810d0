// Package prose tells changes of the sharing graph as people would: a sentence for each, and tables of what it changed.
//
// Its functions are pure. What they return holds names that others chose: it is text, to be escaped where it is shown.
package prose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hpfriends/query/view"
)

// Sentence says what somebody did, as people say it.
func Sentence(e view.AuditEvent) string {
	name, user := "", ""
	var before, after map[string]any
	if e.Object != nil {
		name, user = e.Object.Name, e.Object.User
		for _, c := range e.Changes {
			if c.Kind == e.Object.Kind && c.ID == e.Object.ID && c.User == e.Object.User {
				before, after = c.Before, c.After
			}
		}
	}
	field := func(of map[string]any, key string) string {
		if v, ok := of[key]; ok {
			return fmt.Sprint(v)
		}
		return ""
	}
	switch e.Op {
	case "user.add":
		return fmt.Sprintf("added the user %s.", name)
	case "user.edit":
		return fmt.Sprintf("changed the user %s%s.", name, changed(before, after))
	case "user.limits":
		return fmt.Sprintf("changed what %s may have and change%s.", name, limits(before, after))
	case "user.remove":
		return fmt.Sprintf("removed the user %s, with all that was theirs.", name)
	case "group.add":
		return fmt.Sprintf("added the group %s.", name)
	case "group.remove":
		return fmt.Sprintf("removed the group %s.", name)
	case "member.add":
		return fmt.Sprintf("made %s a member of %s.", user, name)
	case "member.remove":
		if e.By == user {
			return fmt.Sprintf("left the group %s.", name)
		}
		return fmt.Sprintf("removed %s from %s.", user, name)
	case "member.admin":
		if field(after, "admin") == "true" {
			return fmt.Sprintf("made %s an admin of %s.", user, name)
		}
		return fmt.Sprintf("made %s no longer an admin of %s.", user, name)
	case "request.add":
		return fmt.Sprintf("asked to join the group %s.", name)
	case "request.remove":
		if e.By == user {
			return fmt.Sprintf("no longer asks to join the group %s.", name)
		}
		return fmt.Sprintf("declined that %s joins the group %s.", user, name)
	case "authkey.add":
		return fmt.Sprintf("added the authkey %s.", name)
	case "authkey.edit":
		return fmt.Sprintf("changed the authkey %s%s.", name, changed(before, after))
	case "authkey.reveal":
		return fmt.Sprintf("had the secret of the authkey %s shown.", name)
	case "authkey.remove":
		return fmt.Sprintf("removed the authkey %s.", name)
	case "share.add":
		what := "their own events of"
		if field(after, "type") == "all" {
			what = "their own events and those they receive of"
		}
		return strings.TrimSpace(fmt.Sprintf("shares %s %s with %s.", what, name, field(after, "to")))
	case "share.edit":
		return fmt.Sprintf("changed the share of %s%s.", name, changed(before, after))
	case "share.remove":
		return fmt.Sprintf("no longer shares %s with %s.", name, field(before, "to"))
	case "share.decide":
		if field(after, "enabled") == "true" {
			return fmt.Sprintf("enabled the share of %s.", name)
		}
		return fmt.Sprintf("disabled the share of %s.", name)
	}
	if said, ok := sentences[e.Op]; ok {
		return said
	}
	return strings.TrimSpace(e.Op+" "+name) + "."
}

// sentences are those of operations that name nothing.
var sentences = map[string]string{
	"token.add": "made an API token.", "token.remove": "removed an API token.",
	"session.add": "logged in.", "session.remove": "logged out, or ended a session.",
	"session.clear":  "ended other login sessions.",
	"invitation.add": "made an invitation.", "invitation.remove": "took back an invitation.",
	"invitation.accept": "accepted an invitation.",
	"retention.hold":    "held retention by age.", "retention.resume": "let retention by age go on.",
	"retention.accept": "accepted what retention is about to do.",
	"expire":           "ended what was due to end.",
}

// changed lists the fields that an event has changed.
func changed(before, after map[string]any) string {
	var names []string
	for k, v := range after {
		if fmt.Sprint(before[k]) != fmt.Sprint(v) {
			names = append(names, k)
		}
	}
	for k := range before {
		if _, still := after[k]; !still && after != nil {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}

// limits tells the limits that an event has changed, before and after. Those that are not there are the default.
func limits(before, after map[string]any) string {
	var all []string
	for _, of := range []map[string]any{before, after} {
		for k := range of {
			if name, ok := strings.CutPrefix(k, "most "); ok && fmt.Sprint(before[k]) != fmt.Sprint(after[k]) {
				all = append(all, fmt.Sprintf("%s from %s to %s", name, most(before[k]), most(after[k])))
			}
		}
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) == 0 {
		return ""
	}
	return ": " + strings.Join(all, ", ")
}

func most(limit any) string {
	if limit == nil {
		return "the default"
	}
	return fmt.Sprint(limit)
}

// Table is an object that a change has changed.
type Table struct {
	view.AuditObject
	What   string // added, removed, changed
	Fields []Field
}

// Field is a part of it, before and after.
type Field struct {
	Name, Before, After string
	Changed             bool
}

// Tables are the objects that a change has changed, with their fields by name, and times in the zone of who reads it.
func Tables(changes []view.AuditChange, zone *time.Location) (all []Table) {
	for _, c := range changes {
		t := Table{AuditObject: c.AuditObject, What: "changed"}
		switch {
		case c.Before == nil:
			t.What = "added"
		case c.After == nil:
			t.What = "removed"
		}
		names := make(map[string]bool)
		for k := range c.Before {
			names[k] = true
		}
		for k := range c.After {
			names[k] = true
		}
		for k := range names {
			f := Field{Name: k}
			if v, ok := c.Before[k]; ok {
				f.Before = text(k, v, zone)
			}
			if v, ok := c.After[k]; ok {
				f.After = text(k, v, zone)
			}
			f.Changed = f.Before != f.After
			t.Fields = append(t.Fields, f)
		}
		slices.SortFunc(t.Fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
		all = append(all, t)
	}
	return all
}

// Changed are the tables without the fields that are the same before and after.
func Changed(all []Table) []Table {
	for i := range all {
		all[i].Fields = slices.DeleteFunc(all[i].Fields, func(f Field) bool { return !f.Changed })
	}
	return all
}

// text is what a field holds, as people read it.
func text(field string, v any, zone *time.Location) string {
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = fmt.Sprint(p)
		}
		return strings.Join(parts, ", ")
	case []string:
		return strings.Join(v, ", ")
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil && field == "expires" {
			return t.In(zone).Format("2006-01-02 15:04:05")
		}
	}
	return fmt.Sprint(v)
}
