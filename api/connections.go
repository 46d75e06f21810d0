package api

import "hpfriends/query/view"

// ConnectionsQuery selects connections of hpfeeds clients.
type ConnectionsQuery struct {
	User    string `query:"user" doc:"handle; empty: all that you may see"`
	Authkey string `query:"authkey" doc:"ident; empty: all" limit:"authkey"`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

// ConnectionPath names a connection.
type ConnectionPath struct {
	Node   string `path:"node" maxLength:"64"`
	Number uint64 `path:"number" maximum:"9007199254740991"`
}

// The operations on connections. Members see and close their own; auditors see all, admins close all.
var (
	ListConnections = Op[ConnectionsQuery, view.Connections]{
		"GET /connections", "List what is connected by hpfeeds, to all nodes",
	}
	CloseConnection = Op[ConnectionPath, None]{
		"DELETE /connections/{node}/{number}",
		"Close a connection; a client that may log in can come back: disable its authkey to keep it out",
	}
)
