package scopes

import (
	"hpfriends/graph/scope"
)

// table says which scope a token needs for what. What is not in it is refused to every token.
var table = map[scope.Scope][]string{
	anyScope: {
		"GET /api/v1/whoami", "GET /api/v1/status",
		"DELETE /api/v1/tokens/{id}", // itself; for others see MayRemove
	},
	scope.Read: {
		"GET /api/v1/account",
		"GET /api/v1/audit", "GET /api/v1/audit/access", "GET /api/v1/audit/at", "GET /api/v1/audit/diff",
		"GET /api/v1/audit/verify", "GET /api/v1/audit/{index}", "GET /api/v1/authkeys", "GET /api/v1/authkeys/{ident}",
		"GET /api/v1/channel", "GET /api/v1/channels", "GET /api/v1/channels/rates", "GET /api/v1/channels/top",
		"GET /api/v1/check", "GET /api/v1/cluster", "GET /api/v1/cluster/tokens", "GET /api/v1/connections",
		"GET /api/v1/cursors",
		"GET /api/v1/explain", "GET /api/v1/groups",
		"GET /api/v1/groups/{group}", "GET /api/v1/invitations", "GET /api/v1/logs", "GET /api/v1/messages",
		"GET /api/v1/messages/count", "GET /api/v1/messages/histogram", "GET /api/v1/messages/seen",
		"GET /api/v1/replays", "GET /api/v1/replays/{id}",
		"GET /api/v1/retention", "GET /api/v1/search", "GET /api/v1/sessions", "GET /api/v1/shares",
		"GET /api/v1/shares/preview", "GET /api/v1/shares/{id}", "GET /api/v1/stats", "GET /api/v1/tokens",
		"GET /api/v1/users", "GET /api/v1/users/{handle}",

		"GET /metrics", "GET /live/messages", "GET /live/attacks", "GET /live/logs",
		"GET /{$}", "GET /shares", "GET /shares/{share}", "GET /incoming", "GET /shares/reach", "GET /authkeys",
		"GET /authkey", "GET /connect", "GET /connections", "GET /logs", "GET /groups", "GET /groups/{group}",
		"GET /search", "GET /why",
		"GET /live", "GET /history", "GET /history/replays", "GET /map", "GET /graph", "GET /m/{position}", "GET /audit",
		"GET /audit/{index}", "GET /audit/diff", "GET /audit/access", "GET /admin", "GET /cluster", "GET /account",
		"GET /preferences", "GET /jump", "GET /help", "GET /api", "GET /api/{group}", "GET /help/{topic}",
		"GET /invite/{secret}",
		"GET /account/data", "GET /history/download", "GET /logs/download", "GET /m/{position}/payload",
		"POST /audit", "POST /preferences", // they change nothing here
	},
	scope.Publish: {"POST /api/v1/replays", "DELETE /api/v1/replays/{id}", "POST /history"},
	scope.Manage: {
		"POST /api/v1/authkeys", "PATCH /api/v1/authkeys/{ident}", "DELETE /api/v1/authkeys/{ident}",
		"POST /api/v1/authkeys/{ident}/rotate", "POST /api/v1/authkeys/{ident}/reveal",
		"POST /api/v1/authkeys/{ident}/check",
		"POST /api/v1/cursors/{ident}/{name}/reset", "DELETE /api/v1/cursors/{ident}/{name}",
		"POST /api/v1/groups", "DELETE /api/v1/groups/{group}", "POST /api/v1/groups/{group}/leave",
		"POST /api/v1/groups/{group}/members", "PATCH /api/v1/groups/{group}/members/{user}",
		"POST /api/v1/groups/{group}/requests", "POST /api/v1/groups/{group}/requests/{user}/accept",
		"DELETE /api/v1/groups/{group}/requests/{user}",
		"DELETE /api/v1/groups/{group}/members/{user}", "POST /api/v1/invitations", "POST /api/v1/invitations/accept",
		"DELETE /api/v1/invitations/{id}", "DELETE /api/v1/sessions/{id}", "DELETE /api/v1/users/{handle}/sessions",
		"DELETE /api/v1/connections/{node}/{number}",
		"POST /api/v1/shares", "POST /api/v1/shares/{id}/accept", "POST /api/v1/shares/{id}/disable",
		"PATCH /api/v1/shares/{id}", "DELETE /api/v1/shares/{id}", "POST /api/v1/tokens",
		"PATCH /api/v1/users/{handle}", "DELETE /api/v1/users/{handle}",

		"POST /connections", "POST /shares", "POST /shares/{share}", "POST /incoming", "POST /authkeys", "POST /authkey",
		"POST /connect",
		"POST /groups", "POST /groups/{group}", "POST /account", "POST /invite/{secret}",
	},
	scope.Admin: {
		"POST /api/v1/users", "PATCH /api/v1/users/{handle}/limits",
		"POST /api/v1/cluster/tokens", "DELETE /api/v1/cluster/tokens/{id}",
		"POST /api/v1/cluster/remove", "POST /api/v1/cluster/promote",
		"POST /api/v1/cluster/transfer", "POST /api/v1/cluster/leave", "POST /api/v1/cluster/drain",
		"POST /api/v1/cluster/undrain", "POST /api/v1/retention/hold", "POST /api/v1/retention/resume",
		"POST /api/v1/retention/accept", "GET /api/v1/entries", "GET /api/v1/backup",
		"GET /api/v1/diagnostics",
		"POST /api/v1/compact",

		"POST /admin", "POST /cluster",
	},
}

// anyScope is for what every token is good for, also one that is limited.
const anyScope scope.Scope = ""

// needs is the table by route.
var needs = byRoute()

func byRoute() map[string]scope.Scope {
	all := make(map[string]scope.Scope)
	for need, routes := range table {
		for _, r := range routes {
			all[r] = need
		}
	}
	return all
}
