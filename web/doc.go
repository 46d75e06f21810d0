// Package web serves HTTP: the JSON API under /api/v1, its OpenAPI 3.1 document at /api/openapi.json, metrics, health, and
// /ip for sensors.
//
// One set of handlers, two ways in. On TCP a request carries an API token ("Authorization: Bearer hpf_…"); to make the first
// one, POST /api/v1/tokens also takes handle and password (HTTP basic). On the local socket in the data directory, which
// only its owner can open, a request is the operator's; with the header X-Hpfriends-As it is that user's, with exactly that
// user's rights.
//
// # Invariant
//
// No handler decides who may do what: changes are decided by graph.Graph.Apply, reads by package query, which asks the
// graph's CanSee predicates. And no answer holds a secret but those of the operations that make or reveal one: not an
// error either, whatever was sent.
//
// # Errors
//
// Every refusal is application/problem+json with a code, a detail and mostly a hint. 404: it does not exist, or the asker
// may not know that it does. 403 denied, 409 conflict, 422 invalid, 401 unauthorized, 429 too many logins. 503 unavailable:
// nothing was changed, try again. 503 unknown-outcome: look before trying again.
//
// # Lists
//
// A list is an array. One that goes on has a Link header with rel="next".
//
// # Concurrency
//
// A Server may serve several listeners at once. Shutdown waits for requests under way.
//
// # Where things are
//
//	server.go   listeners, limits, shutdown     auth.go, logins.go   who asks
//	handler.go  routes, headers, plain answers  client.go            from where
//	api.go      operations, lists, changes      problem.go           errors
//	users.go, groups.go, authkeys.go, shares.go, tokens.go, cursors.go, reads.go, messages.go: the operations
package web
