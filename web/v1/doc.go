// Package v1 serves the operations of the JSON API, as package api declares them: one file a noun.
//
// # Invariant
//
// No handler decides who may do what: changes are decided by graph.Graph.Apply, reads by package query, which asks the
// graph's CanSee predicates. And no answer holds a secret but those of the operations that make or reveal one: not an
// error either, whatever was sent.
//
// # Errors
//
// Every refusal is an api.Problem. 404: it does not exist, or the asker may not know that it does. 403 denied, 409
// conflict, 422 invalid, 401 unauthorized, 429 too many logins. 503 unavailable: nothing was changed, try again. 503
// unknown-outcome: look before trying again.
//
// # Lists
//
// A list is an array. One that goes on has a Link header with rel="next".
//
// # Concurrency
//
// A Service may be used by many goroutines.
//
// # Where things are
//
//	service.go   Config, changes         register.go  operations, the document
//	list.go      lists in pages          long.go      answers that take their time
//	problem.go   errors
package v1
