package pages

import (
	"html/template"
	"net"
	"net/http"
	"strings"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/web/help"
	"hpfriends/web/pages/format"
	"hpfriends/web/who"
)

// explained are the parts of the documents that are about a page.
var explained = map[string]string{
	"/": "start", "/shares": "start#shares", "/incoming": "start#you-want-what-others-have",
	"/authkeys": "start#you-run-sensors", "/connect": "start#you-run-sensors", "/groups": "start#groups",
	"/logs": "start#nothing-arrives", "/why": "start#nothing-arrives", "/live": "history", "/history": "history",
	"/audit": "start#you-ask-who-saw-what", "/search": "start#you-ask-who-saw-what", "/cluster": "cluster",
	"/account": "integrations#curl", "/preferences": "start#keys-of-the-keyboard",
	"/map": "install", "/graph": "start#nothing-arrives", "/m/{position}": "history",
	"/connections":    "start#nothing-arrives",
	"/shares/{share}": "start#shares", "/authkey": "start#you-run-sensors", "/groups/{group}": "start#groups",
	"/audit/diff": "start#you-ask-who-saw-what", "/audit/access": "start#you-ask-who-saw-what",
	"/audit/{index}": "start#you-ask-who-saw-what", "/admin": "start#you-run-the-server", "/api": "integrations#curl",
	"/api/{group}": "integrations#curl",
}

type helpData struct {
	Shelves []help.Shelf
	Topic   *help.Topic
	Body    template.HTML
	Keyless bool // the examples are filled in, but for an authkey that who asks does not have
	Text    string
	Hits    []help.Hit
}

// showHelp shows a document, or where the words of ?q= occur in all of them.
func showHelp(r *request) (any, error) {
	d := helpData{Shelves: r.library().Shelves, Text: strings.TrimSpace(r.URL.Query().Get("q"))}
	if d.Text != "" {
		d.Hits = r.library().Search(d.Text)
		return d, nil
	}
	name := r.PathValue("topic")
	if name == "" {
		name = "start"
	}
	var ok bool
	if d.Topic, ok = r.library().Topic(name); !ok {
		return nil, api.NewProblem(http.StatusNotFound, api.NotFound, "There is no such document.",
			"Help lists those that there are.")
	}
	places := r.places()
	d.Body, d.Keyless = d.Topic.HTML(places), d.Topic.Filled && places["IDENT"] == ""
	return d, nil
}

// places are what fills the examples: this server's addresses, and the idents of who asks.
func (r *request) places() help.Values {
	v := help.Values{
		"HOST": hostOf(r.Host), "PORT": r.hpfeedsPort(), "SITE": origin(r.Request), "ADDRESS": r.Host, "HANDLE": r.Handle(),
	}
	keys, err := r.Query.Authkeys(r.actor, r.actor.User)
	if err != nil {
		return v
	}
	for _, k := range keys {
		if k.Enabled && len(k.Sub) > 0 && v["IDENT"] == "" {
			v["IDENT"] = format.Visible(k.Ident)
		}
		if k.Enabled && len(k.Pub) > 0 && v["SENSOR"] == "" {
			v["SENSOR"] = format.Visible(k.Ident)
		}
	}
	return v
}

// hostOf is a host without its port.
func hostOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return host
}

type referenceData struct {
	*help.Reference
	Shown  *help.Group // nil: what there is
	Site   string
	Places help.Values
}

// reference shows the operations of the API: which there are, or those of one group.
func reference(r *request) (any, error) {
	d := referenceData{r.Reference(), nil, origin(r.Request), r.places()}
	if id := r.PathValue("group"); id != "" {
		if d.Shown = d.Group(id); d.Shown == nil {
			return nil, &graph.Error{Code: graph.NotFound, Msg: "the API has no operations of that name", Hint: "see /api"}
		}
	}
	return d, nil
}

// origin is the address of this server, as the browser knows it.
func origin(r *http.Request) string {
	if who.OverTLS(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// hpfeedsPort is the port that sensors connect to: the first of the listeners.
func (p *Pages) hpfeedsPort() string {
	if p.Hpfeeds != nil {
		for _, address := range p.Hpfeeds() {
			if _, port, err := net.SplitHostPort(address); err == nil {
				return port
			}
		}
	}
	return "10000"
}
