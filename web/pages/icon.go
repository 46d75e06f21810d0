package pages

import "html/template"

// icons are drawn on a grid of 16 with a line of 1.5, each for one meaning.
var icons = map[string]string{
	"home":     "M2.5 7.5 8 2.5l5.5 5M4 6.5v7h3v-4h2v4h3v-7",
	"up":       "M8 13.5v-11M3.5 7 8 2.5 12.5 7",
	"down":     "M8 2.5v11M3.5 9 8 13.5 12.5 9",
	"key":      "M9.2 6.8 14 2M11.5 4.5l2 2M6.5 13a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Z",
	"logs":     "M2.5 4h11M2.5 8h11M2.5 12h7",
	"groups":   "M6 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM1.5 13.5c.3-2.6 2-4 4.5-4s4.2 1.4 4.5 4M10.5 3.2a2.5 2.5 0 0 1 0 4.6M12 9.8c1.5.500 2.3 1.9 2.5 3.7",
	"search":   "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.8 10.8 14 14",
	"live":     "M1.5 8.5h3l2-5.5 3 10 2-4.5h3",
	"history":  "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 5v3.5l2.5 1.5",
	"map":      "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM2 8h12M8 2c2.2 1.7 2.8 4 2.8 6S10.2 12.3 8 14c-2.2-1.7-2.8-4-2.8-6S5.8 3.7 8 2Z",
	"graph":    "M4 6a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM12 9.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM5 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM6 4.5l4.2 2M6.8 11.2l3.6-2.6",
	"audit":    "M8 14c3.5-1.3 5-3.8 5-7V3.5L8 2 3 3.5V7c0 3.2 1.5 5.7 5 7ZM5.8 7.8 7.4 9.4l3-3.2",
	"cluster":  "M2.5 2.5h11v4.5h-11ZM2.5 9h11v4.5h-11ZM5 4.75h.010M5 11.25h.010",
	"account":  "M8 8a2.8 2.8 0 1 0 0-5.6A2.8 2.8 0 0 0 8 8ZM2.5 13.8c.500-2.7 2.5-4.2 5.5-4.2s5 1.5 5.5 4.2",
	"admin":    "M2.5 5h7M12 5h1.5M2.5 11H5M7.5 11h6M10.7 6.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6ZM6.2 12.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z",
	"help":     "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM6.2 6.3c0-2.4 3.7-2.3 3.7 0 0 1.5-1.9 1.5-1.9 3M8 11.5h.010",
	"flows":    "m3 8.5 3.5 3.5L13 4.5",
	"waiting":  "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 5v3.5",
	"off":      "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM4 12 12 4",
	"refused":  "m4 4 8 8M12 4l-8 8",
	"more":     "M3.5 8h.010M8 8h.010M12.5 8h.010",
	"copy":     "M5.5 5.5h8v8h-8ZM3.5 10.5h-1v-8h8v1",
	"clock":    "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 5v3.5h2.5",
	"menu":     "M2.5 4h11M2.5 8h11M2.5 12h11",
	"share":    "M2.5 6.5v3l7 3.5V3ZM9.5 6c1.7.500 1.7 3.5 0 4M4.5 10.5v3",
	"previous": "M10 3 5 8l5 5",
	"next":     "m6 3 5 5-5 5",
	"theme":    "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 2.5v11",
}

// icon draws an icon. It always stands beside a word, so that readers of the screen skip it.
func icon(name string) template.HTML {
	d := icons[name]
	if d == "" {
		panic("there is no icon " + name)
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="` + d + `"/></svg>`) //nolint:gosec // of the table above
}

// mark is the mark of hpfriends: a hexagon.
const mark = template.HTML(`<svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><path d="M8 1.2 14 4.6v6.8L8 14.8 2 11.4V4.6Z"/></svg>`)
