// Package icons draws the signs of the pages: each for one meaning, beside a word.
package icons

import (
	_ "embed"
	"html/template"
	"strings"
)

//go:embed icons.txt
var iconPaths string

// all are drawn on a grid of 16 with a line of 1.5, each for one meaning: a line of icons.txt is a name and the path
// of an SVG.
var all = func() map[string]string {
	known := make(map[string]string)
	for line := range strings.Lines(iconPaths) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		known[name] = path
	}
	return known
}()

// Icon draws an icon. It always stands beside a word, so that readers of the screen skip it.
func Icon(name string) template.HTML {
	d := all[name]
	if d == "" {
		panic("there is no icon " + name)
	}
	//nolint:gosec // of the table above
	return template.HTML(`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="` + d + `"/></svg>`)
}

// Mark is the mark of hpfriends: a hexagon.
const Mark = template.HTML(`<svg class="mark" viewBox="0 0 16 16" aria-hidden="true">` +
	`<path d="M8 1.2 14 4.6v6.8L8 14.8 2 11.4V4.6Z"/></svg>`)
