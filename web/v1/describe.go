package v1

import (
	"cmp"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
	"hpfriends/web/scopes"
)

// operationID is the name of an operation, made of its route.
func operationID(route string) string {
	method, path, _ := strings.Cut(route, " ")
	return strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path)
}

// describe is what the document says of an operation with input I.
func describe[I any](h huma.API, route, summary string) huma.Operation {
	method, path, _ := strings.Cut(route, " ")
	tag, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	o := huma.Operation{
		OperationID: operationID(route), Method: method, Path: api.Base + path, Summary: summary, Tags: []string{tag},
		DefaultStatus: http.StatusOK, MaxBodyBytes: MaxBody, Responses: make(map[string]*huma.Response),
	}
	o.Description, o.Security = "Any token is good for it.", []map[string][]string{{"token": {}}}
	if need, _ := scopes.Of(method + " " + o.Path); need != "" {
		o.Description, o.Security[0]["token"] = "A token needs the scope "+string(need)+".", []string{string(need)}
	}
	schema := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Problem](), true, "Problem")
	problem := map[string]*huma.MediaType{api.ProblemType: {Schema: schema}}
	for status, text := range refusals(route, reflect.TypeFor[I]()) {
		o.Responses[strconv.Itoa(status)] = &huma.Response{Description: text, Content: problem}
	}
	return o
}

// refusals are the error answers of an operation, and what each means.
func refusals(route string, in reflect.Type) map[int]string {
	all := map[int]string{
		http.StatusUnauthorized:                "Who asks is not known",
		http.StatusForbidden:                   "Who asks may not do this",
		http.StatusUnprocessableEntity:         "What was sent makes no sense",
		http.StatusRequestHeaderFieldsTooLarge: "The address is too long; as plain text",
		http.StatusInternalServerError:         "What is stored is damaged",
		http.StatusServiceUnavailable:          "Try again; if the outcome is unknown, look first whether it was done",
	}
	if in.NumField() > 0 && in != reflect.TypeFor[api.Page]() {
		all[http.StatusNotFound] = "It does not exist, or who asks may not know that it does"
	}
	if _, ok := in.FieldByName("Body"); ok {
		all[http.StatusBadRequest] = "The body is no JSON"
		all[http.StatusRequestEntityTooLarge] = "The body is too large"
		all[http.StatusUnsupportedMediaType] = "The body is of another type"
	}
	if !strings.HasPrefix(route, http.MethodGet) || route == api.ShowCluster.Route || route == api.ListJoinTokens.Route {
		all[http.StatusConflict] = "It contradicts what there is"
	}
	if !strings.HasPrefix(route, http.MethodGet) {
		all[http.StatusTooManyRequests] = "Too many changes or logins, or too many of a kind; the hint says what to do"
	}
	return all
}

// links say by which operations one goes on with what another has made, and where the parameters of their paths are.
var links = []struct {
	from       string
	parameters map[string]any
	to         []string
}{
	{
		api.AddUser.Route, map[string]any{"handle": "$request.body#/handle"},
		[]string{api.ShowUser.Route, api.EditUser.Route, api.SetLimits.Route, api.RemoveUser.Route},
	},
	{
		api.AddGroup.Route, map[string]any{"group": "$request.body#/name"},
		[]string{api.ShowGroup.Route, api.AddMember.Route, api.LeaveGroup.Route, api.RemoveGroup.Route},
	},
	{
		api.AddMember.Route, map[string]any{"group": "$request.path.group", "user": "$request.body#/user"},
		[]string{api.EditMember.Route, api.RemoveMember.Route},
	},
	{
		api.AddAuthkey.Route, map[string]any{"ident": "$response.body#/ident"},
		[]string{
			api.ShowAuthkey.Route, api.EditAuthkey.Route, api.RotateAuthkey.Route, api.RevealAuthkey.Route,
			api.CheckSecret.Route, api.RemoveAuthkey.Route,
		},
	},
	{
		api.AddShare.Route, map[string]any{"id": "$response.body#/id"},
		[]string{
			api.ShowShare.Route, api.AcceptShare.Route, api.DisableShare.Route, api.EditShare.Route, api.RemoveShare.Route,
		},
	},
	{api.AddInvitation.Route, map[string]any{"id": "$response.body#/id"}, []string{api.RemoveInvitation.Route}},
	{api.AddToken.Route, map[string]any{"id": "$response.body#/id"}, []string{api.RemoveToken.Route}},
}

// link adds links to the document.
func link(doc *huma.OpenAPI) {
	for _, l := range links {
		_, path, _ := strings.Cut(l.from, " ")
		answers := doc.Paths[api.Base+path].Post.Responses
		made := cmp.Or(answers["200"], answers["204"])
		made.Links = make(map[string]*huma.Link)
		for _, to := range l.to {
			id := operationID(to)
			made.Links[id] = &huma.Link{OperationID: id, Parameters: l.parameters}
		}
	}
}
