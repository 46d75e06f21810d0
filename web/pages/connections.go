package pages

import (
	"strconv"

	"hpfriends/api"
	"hpfriends/query/view"
)

type connectionsData struct {
	view.Connections
	User, Authkey string
}

// connections are what is connected by hpfeeds: with the viewer's authkeys, or with all.
func connections(r *request) (any, error) {
	d := connectionsData{User: r.field("owner"), Authkey: r.field("authkey")}
	var err error
	d.Connections, err = ask(r, api.ListConnections, api.ConnectionsQuery{User: d.User, Authkey: d.Authkey, Limit: rows})
	if err != nil && (d.User != "" || d.Authkey != "") {
		r.problem, err = r.Refusal(err), nil
	}
	return d, err
}

func closeConnection(r *request) (done, error) {
	number, err := strconv.ParseUint(r.PostForm.Get("number"), 10, 64)
	if err != nil {
		return done{}, invalid("This form names no connection.", "Reload the page.")
	}
	_, err = ask(r, api.CloseConnection, api.ConnectionPath{Node: r.PostForm.Get("node"), Number: number})
	return done{notice: "The connection is closed. Its client may come back: disable its authkey to keep it out."}, err
}
