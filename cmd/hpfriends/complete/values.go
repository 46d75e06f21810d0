package complete

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// source is a command that lists things as JSON, and where in each the value and what it is are found.
type source struct {
	command      string
	in           string   // member of the answer that has them, where it is no list
	value, about []string // members, joined by a slash, and by spaces
}

var (
	users    = source{"user ls", "", []string{"handle"}, []string{"role", "name"}}
	groups   = source{"group ls", "", []string{"name"}, nil}
	authkeys = source{"authkey ls", "", []string{"ident"}, []string{"owner", "comment"}}
	channels = source{"channel ls", "", []string{"name"}, nil}
	nodes    = source{"cluster status", "members", []string{"id"}, []string{"role", "address"}}
	cursors  = source{"cursor ls", "", []string{"name"}, []string{"authkey", "channel"}}
	contexts = source{"context ls", "contexts", []string{""}, []string{"server", "data_dir"}}
)

// identified are what has an id, by the command that is about them.
var identified = map[string]source{
	"share":         {"share ls", "", []string{"id"}, []string{"channel", "from", "to", "note"}},
	"token":         {"token ls", "", []string{"id"}, []string{"owner", "comment"}},
	"session":       {"session ls", "", []string{"id"}, []string{"user", "from", "agent"}},
	"invitation":    {"invitation ls", "", []string{"id"}, []string{"role", "group", "note"}},
	"connection":    {"connection ls", "connections", []string{"node", "number"}, []string{"authkey", "remote"}},
	"replays":       {"replays ls", "", []string{"id"}, []string{"state", "user", "authkey"}},
	"cluster token": {"cluster token ls", "", []string{"id"}, []string{"state"}},
}

// values are those of what the help calls by a name in capitals, as the server of the line has them now.
func (l *line) values(ctx context.Context, run Run, name, usage string) (all []candidate, files bool) {
	ask := func(s source) []candidate { return l.ask(ctx, run, s) }
	path := strings.Join(l.path, " ")
	switch name {
	case "FILE", "DIR", "OLDER", "SOURCE":
		return nil, true
	case "USER":
		all = ask(users)
		if strings.Contains(usage, "group:NAME") {
			for _, g := range ask(groups) {
				all = append(all, candidate{"group:" + g.value, "group"})
			}
		}
		return all, false
	case "GROUP":
		return ask(groups), false
	case "IDENT":
		return ask(authkeys), false
	case "CHANNEL", "PATTERN", "PREFIX":
		return ask(channels), false
	case "NODE":
		return ask(nodes), false
	case "ID":
		noun := path[:max(strings.LastIndexByte(path, ' '), 0)]
		if s, ok := identified[noun]; ok {
			return ask(s), false
		}
	case "NAME":
		switch {
		case strings.Contains(usage, "context"), path == "context use", path == "context rm":
			return append(ask(contexts), candidate{"local", "the data directory of this machine"}), false
		case strings.HasPrefix(path, "cursor "):
			return ask(cursors), false
		case strings.HasPrefix(path, "user ") && path != "user add" && usage == "":
			return ask(users), false
		}
	}
	return nil, false
}

// ask runs the command of a source against the server of the line. One that fails has nothing.
func (l *line) ask(ctx context.Context, run Run, s source) (all []candidate) {
	args := append([]string{"hpfriends"}, strings.Fields(s.command)...)
	if s.command != contexts.command {
		args = append(args, l.server...)
	}
	var out bytes.Buffer
	if run(ctx, append(args, "--json"), &out) != nil {
		return nil
	}
	dec := json.NewDecoder(&out)
	dec.UseNumber() // an id has more digits than a float
	var answer any
	if dec.Decode(&answer) != nil {
		return nil
	}
	if s.in != "" {
		m, _ := answer.(map[string]any)
		answer = m[s.in]
	}
	switch list := answer.(type) {
	case []any:
		for _, one := range list {
			if m, ok := one.(map[string]any); ok {
				all = append(all, candidate{texts(m, s.value, "/"), texts(m, s.about, " ")})
			}
		}
	case map[string]any: // by their names
		for _, name := range slices.Sorted(maps.Keys(list)) {
			m, _ := list[name].(map[string]any)
			all = append(all, candidate{name, texts(m, s.about, " ")})
		}
	}
	return all
}

// texts joins members of an object that there are.
func texts(m map[string]any, names []string, between string) string {
	var all []string
	for _, name := range names {
		if v, ok := m[name]; ok && v != "" {
			all = append(all, fmt.Sprint(v))
		}
	}
	return strings.Join(all, between)
}
