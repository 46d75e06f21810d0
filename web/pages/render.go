package pages

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/web/assets"
	"hpfriends/web/pages/answer"
	"hpfriends/web/pages/cookie"
	"hpfriends/web/pages/format"
	"hpfriends/web/pages/icons"
	"hpfriends/web/pages/payload"
	"hpfriends/web/pages/style"
)

// functions are what templates can call.
var functions = template.FuncMap{
	"icon": icons.Icon, "count": format.Count, "bytes": format.Size, "visible": format.Visible, "plural": format.Plural,
	"build":    format.Build,
	"sentence": format.Sentence, "agent": format.Agent,
	"dict": format.Dict, "hint": format.Hint, "segment": url.PathEscape, "replayed": replayed,
	"defang":   payload.Defang,
	"receiver": receiverOf,
	"why":      func(from, to, channel string) string { return whyOf(from, to, graph.Pattern(channel)) },
	"list":     func(v ...any) []any { return v },
	"parts":    func(name string) []string { return strings.SplitAfter(name, ".") },
	"deref":    func(b *bool) bool { return b != nil && *b },
	"mark":     func() template.HTML { return icons.Mark }, "style": style.URL,
}

//go:embed html/*.html
var sources embed.FS

// sheet is what a template is given.
type sheet struct {
	*request
	Page    *page
	Nav     []section
	Notice  cookie.Notice
	Problem *api.Problem
	Foot    foot
	Data    any
	assets  *assets.Set
}

// foot says which node answers, and how old its view is.
type foot struct {
	Node, Version string
	Behind        string // empty: it is not behind
}

// parseTemplates reads the template of each page: the file of its name, in the shell, with the parts that all share.
func parseTemplates() map[string]*template.Template {
	shared := template.Must(template.New("").Funcs(functions).ParseFS(sources, "html/shell.html", "html/parts*.html"))
	all := make(map[string]*template.Template)
	files, err := fs.Glob(sources, "html/*.html")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "shell" || strings.HasPrefix(name, "parts") {
			continue
		}
		all[name] = template.Must(template.Must(shared.Clone()).ParseFS(sources, file))
	}
	return all
}

// render answers with a page.
func (p *Pages) render(r *request, pg *page, status int, data any) {
	s := &sheet{request: r, Page: pg, Problem: r.problem, Data: data, assets: p.Assets}
	layout := "main"
	if !pg.bare {
		layout = "shell"
		s.Nav, s.Notice, s.Foot = p.rail(r, pg), told(r), p.foot()
	}
	t := p.templates[pg.name]
	if t == nil {
		t = p.templates["problem"]
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, layout, s); err != nil {
		p.Logger.Error("a page could not be made", "page", pg.name, "err", err)
		http.Error(r.w, "This page could not be made; the server's log says why.", http.StatusInternalServerError)
		return
	}
	answer.Send(r.w, r.Request, status, b.Bytes(), r.secret)
}

// told is what the page before left to be told. Its link leads nowhere but to this server.
func told(r *request) cookie.Notice {
	n := cookie.Told(r.w, r.Request)
	if n.Again != "" {
		n.Again = answer.Local(n.Again)
	}
	return n
}

// fail shows a page that could not be shown, or why a form was refused.
func (p *Pages) fail(r *request, pg *page, err error) {
	problem := p.Refusal(err)
	shell := *pg
	shell.name, shell.bare = "problem", pg.bare
	r.problem = nil
	p.render(r, &shell, problem.Status, problem)
}

// Over reports whether a time is past. The zero time and a nil *time.Time never are.
func (r *request) Over(v any) bool { return format.Past(v, r.now) }

// Ago, Due, Exact and Clock are times in the zone of who asks.
func (r *request) Ago(v any) template.HTML         { return format.Ago(v, r.now.In(r.prefs.Zone)) }
func (r *request) Due(v any) template.HTML         { return format.Due(v, r.now.In(r.prefs.Zone)) }
func (r *request) Exact(v any) template.HTML       { return format.Exact(v, r.prefs.Zone) }
func (r *request) Clock(t time.Time) template.HTML { return format.Clock(t, r.prefs.Zone) }

func (p *Pages) foot() foot {
	f := foot{Node: p.Node, Version: p.Version}
	if p.Lag != nil {
		if entries, behind := p.Lag(); entries > 0 {
			f.Behind = format.Duration(behind)
		}
	}
	return f
}
