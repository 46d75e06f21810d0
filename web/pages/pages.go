package pages

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"hpfriends/api"
	"hpfriends/docs"
	"hpfriends/query"
	"hpfriends/web/assets"
	"hpfriends/web/help"
	"hpfriends/web/pages/answer"
	"hpfriends/web/pages/attack"
	"hpfriends/web/pages/doors"
	"hpfriends/web/pages/once"
	"hpfriends/web/pages/style"
	"hpfriends/web/ration"
	"hpfriends/web/who"
)

// Config of Pages.
type Config struct {
	API       *api.Client // in this process; who asks is in the context of a call
	Query     *query.Query
	Who       *who.Authenticator
	Refusal   func(error) *api.Problem                      // what the API says of an error
	Assets    *assets.Set                                   // the scripts, as far as there are any
	Reference func() *help.Reference                        // of the API
	Hpfeeds   func() []string                               // addresses that sensors connect to; nil: unknown
	Node      string                                        // the name of the node that answers
	Places    attack.Places                                 // where addresses are; nil: unknown
	Kiosk     *who.Kiosk                                    // nil: strangers see nothing
	Lag       func() (entries uint64, behind time.Duration) // of this node behind its cluster; nil: it is alone
	Version   string
	Guests    []who.Guest // whom the login page offers to be
	Logger    *slog.Logger
}

// Pages serves the web frontend.
type Pages struct {
	Config
	templates map[string]*template.Template // by page
	routes    []*page
	library   func() *help.Library // read when somebody asks for help
	turns     *ration.Rations
	sent      once.Forms
	doors     *doors.Doors // for who is not logged in
}

// New returns Pages whose users take turns.
func New(c Config, turns *ration.Rations) *Pages {
	p := &Pages{
		Config: c, templates: parseTemplates(), routes: routes(), library: sync.OnceValue(library), turns: turns,
	}
	p.doors = doors.New(doors.Config{
		API: c.API, Query: c.Query, Who: c.Who, Refusal: c.Refusal, Templates: p.templates, Whole: p.whole,
		Guests: c.Guests, Logger: c.Logger,
	})
	return p
}

func library() *help.Library {
	l, err := help.Open(docs.Files)
	if err != nil {
		panic(err) // the documents are part of the program
	}
	return l
}

// Register adds every page to mux; ask finds out who sends a request.
func (p *Pages) Register(mux who.Mux, ask who.Authenticate) {
	sheet := sync.OnceValue(func() http.HandlerFunc { return answer.Lasting("text/css; charset=utf-8", style.Sheet()) })
	mux.HandleFunc("GET "+style.Path, func(w http.ResponseWriter, r *http.Request) { sheet()(w, r) })
	for _, pg := range p.routes {
		h := p.serve(pg, ask)
		mux.HandleFunc("GET "+pg.pattern(), h)
		if len(pg.acts) > 0 {
			mux.HandleFunc("POST "+pg.pattern(), h)
		}
	}
	if p.Kiosk != nil {
		mux.HandleFunc("GET /kiosk", new(kiosk).serve(p))
	}
	for path, serve := range map[string]file{
		"/history/download": download, "/logs/download": logFile, "/account/data": accountFile,
		"/m/{position}/payload": payloadFile,
	} {
		mux.HandleFunc("GET "+path, p.file(serve, ask))
	}
	p.doors.Register(mux, ask)
}

// Refuse answers who is not admitted: to log in, and then to go on where they were.
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, err error) { p.doors.Refuse(w, r, err) }

// file answers with a file; an error is returned before anything is written.
type file func(w http.ResponseWriter, r *request) error

// file serves a file in a turn of who asks, that takes as long as they do.
func (p *Pages) file(serve file, ask who.Authenticate) http.HandlerFunc {
	return func(w http.ResponseWriter, hr *http.Request) {
		r, err := p.admit(w, hr, ask)
		if err == nil {
			turn, end, waited := p.turns.Files.Take(r.Context())
			if err = waited; err == nil {
				defer end()
				ration.Stand(turn)
				r.Request = r.WithContext(turn)
				err = serve(w, r)
			}
		}
		if err != nil {
			p.Refuse(w, hr, err)
		}
	}
}

// ask calls an operation of the API as who asks.
func ask[In, Out any](r *request, op api.Op[In, Out], in In) (Out, error) {
	ctx, cancel := call(r.Context())
	defer cancel()
	out, err := op.Call(ctx, r.API, in)
	return out, plainly(err)
}

// plainly names a field as forms do: what the API says of body.uses is about Uses.
func plainly(err error) error {
	var p *api.Problem
	if !errors.As(err, &p) {
		return err
	}
	said, ok := strings.CutPrefix(p.Detail, "validation failed: body.")
	if !ok {
		return err
	}
	return invalid(strings.ReplaceAll(said, ": body.", "; "), p.Hint)
}

// call bounds how long a page waits for the API. A write during an election is tried again by the node.
func call(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 10*time.Second)
}
