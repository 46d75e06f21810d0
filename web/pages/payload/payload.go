// Package payload shows the payload of a message to people: whatever is in it, what comes of it is text in which
// nothing is hidden. It is pure.
package payload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"hpfriends/query/indicator"
	"hpfriends/query/view"
)

// previewBytes is how much of a payload a row shows.
const previewBytes = 240

// Preview is the beginning of a payload in one line, with what cannot be shown made visible, and URLs defanged.
func Preview(payload []byte) string {
	if len(payload) > previewBytes {
		payload = payload[:previewBytes]
		for cut := len(payload) - 1; cut > len(payload)-utf8.UTFMax; cut-- {
			if utf8.RuneStart(payload[cut]) {
				if !utf8.FullRune(payload[cut:]) { // the limit cuts it in two
					payload = payload[:cut]
				}
				break
			}
		}
		payload = append(bytes.Clone(payload), "…"...)
	}
	return Defang(view.Visible(string(payload)))
}

// Lines keeps the lines of a text, and makes visible what cannot be shown.
func Lines(b []byte) string {
	lines := strings.Split(string(b), "\n")
	for i, line := range lines {
		lines[i] = view.Visible(strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

// Node is a value of a JSON document, for a table: how deep it is, its name, and if it is no object or list its value.
type Node struct {
	Depth       int
	Name, Value string
}

const maxNodes = 2000

// Tree reads a JSON document; nil: it is none, or it is too large.
func Tree(payload []byte) []Node {
	var v any
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil || dec.More() {
		return nil
	}
	if _, object := v.(map[string]any); !object {
		if _, list := v.([]any); !list {
			return nil
		}
	}
	nodes := grow(nil, 0, "", v)
	if len(nodes) > maxNodes {
		return nil
	}
	return nodes
}

func grow(all []Node, depth int, name string, v any) []Node {
	if len(all) > maxNodes {
		return all
	}
	switch v := v.(type) {
	case map[string]any:
		if name != "" {
			all = append(all, Node{Depth: depth, Name: name})
			depth++
		}
		names := make([]string, 0, len(v))
		for k := range v {
			names = append(names, k)
		}
		sort.Strings(names)
		for _, k := range names {
			all = grow(all, depth, k, v[k])
		}
	case []any:
		if name != "" {
			all = append(all, Node{Depth: depth, Name: name})
			depth++
		}
		for i, one := range v {
			all = grow(all, depth, fmt.Sprint(i), one)
		}
	case nil:
		all = append(all, Node{depth, name, "null"})
	default:
		all = append(all, Node{depth, name, fmt.Sprint(v)})
	}
	return all
}

// Indicator is a value by which other messages about the same can be found, as package indicator has it.
type Indicator struct{ Name, Value string }

const maxIndicators = 8

// Indicators are those of a document, each once. What stands in a list has the name of the list.
func Indicators(nodes []Node) (all []Indicator) {
	seen := make(map[string]bool)
	var names []string // of what the node is in, by depth
	for _, n := range nodes {
		name := n.Name
		if strings.Trim(name, "0123456789") == "" {
			name = ""
			if n.Depth > 0 {
				name = names[n.Depth-1]
			}
		}
		names = append(names[:n.Depth], name)
		if _, ok := indicator.Parse(n.Value); ok && len(all) < maxIndicators && !seen[n.Value] {
			seen[n.Value] = true
			all = append(all, Indicator{name, n.Value})
		}
	}
	return all
}
