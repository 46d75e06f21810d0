package pages

import (
	"context"
	"html/template"
	"log/slog"
	"time"

	"hpfriends/api"
	"hpfriends/docs"
	"hpfriends/query"
	"hpfriends/web/assets"
	"hpfriends/web/help"
	"hpfriends/web/pages/attack"
	"hpfriends/web/pages/once"
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
	Reference *help.Reference                               // of the API
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
	library   *help.Library
	turns     *ration.Ration
	sent      once.Forms
}

// New returns Pages whose users take turns.
func New(c Config, turns *ration.Ration) *Pages {
	library, err := help.Open(docs.Files)
	if err != nil {
		panic(err) // the documents are part of the program
	}
	return &Pages{Config: c, templates: parseTemplates(), routes: routes(), library: library, turns: turns}
}

// Register adds every page to mux; ask finds out who sends a request.
func (p *Pages) Register(mux who.Mux, ask who.Authenticate) {
	mux.HandleFunc("GET "+stylePath, serveStyle)
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
	mux.HandleFunc("GET /history/download", p.download(ask))
	mux.HandleFunc("GET /logs/download", p.logFile(ask))
	mux.HandleFunc("GET /account/data", p.accountFile(ask))
	mux.HandleFunc("GET /m/{position}/payload", p.payloadFile(ask))
	p.registerDoors(mux)
	p.registerInvite(mux, ask)
}

// ask calls an operation of the API as who asks.
func ask[In, Out any](r *request, op api.Op[In, Out], in In) (Out, error) {
	ctx, cancel := call(r.Context())
	defer cancel()
	return op.Call(ctx, r.API, in)
}

// call bounds how long a page waits for the API. A write during an election is tried again by the node.
func call(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 10*time.Second)
}
