package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"hpfriends/definitions"
	"hpfriends/graph"
	"hpfriends/importer"
	"hpfriends/internal/term"
)

// printPlan shows changes, one a line.
func printPlan(w io.Writer, changes []definitions.Change) {
	if len(changes) == 0 {
		return
	}
	var rows [][]string
	for _, c := range changes {
		rows = append(rows, []string{c.Action, c.Kind, c.Name, strings.Join(c.Details, "; ")})
	}
	term.Table(w, []string{"Action", "Kind", "Name", "Details"}, rows)
	fmt.Fprintln(w)
}

// channelUse is who publishes on a channel of a flat store, and so reaches whom.
type channelUse struct {
	channel  string
	from, to []string // idents
}

func channelsOf(s importer.Store) (all []channelUse) {
	from, to := make(map[string]map[string]bool), make(map[string]map[string]bool)
	put := func(m map[string]map[string]bool, channel, ident string) {
		if m[channel] == nil {
			m[channel] = make(map[string]bool)
		}
		m[channel][ident] = true
	}
	s.Deliveries(func(d importer.Delivery) {
		put(from, d.Channel, d.Publisher)
		put(to, d.Channel, d.Subscriber)
	})
	for _, c := range slices.Sorted(maps.Keys(from)) {
		all = append(all, channelUse{c, slices.Sorted(maps.Keys(from[c])), slices.Sorted(maps.Keys(to[c]))})
	}
	return all
}

// printChannels shows what flows, before and after.
func (r *importReport) printChannels(w io.Writer) {
	if r.Deliveries == nil || len(r.channels) == 0 {
		return
	}
	var rows [][]string
	for _, c := range r.channels {
		rows = append(rows, []string{graph.Clip(c.channel), some(c.from), some(c.to)})
	}
	term.Table(w, []string{"Channel", "Published by", "Received by"}, rows)
	fmt.Fprintln(w)
}

// some is the beginning of a long list.
func some(list []string) string {
	const most = 8
	text := ""
	for i, name := range list[:min(len(list), most)] {
		if i > 0 {
			text += " "
		}
		text += graph.Clip(name)
	}
	if n := len(list) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}
