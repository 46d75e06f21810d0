// Package web serves HTTP: the JSON API under /api/v1, its OpenAPI 3.1 document at /api/openapi.json, metrics, health, and
// /ip for sensors.
//
// One set of handlers, two ways in. On TCP a request carries an API token ("Authorization: Bearer hpf_…"), or a user's
// name and password (HTTP basic) to make the first one. On the local socket in the data directory, which only its owner can
// open, a request is the operator's; with the header X-Hpfriends-As it is that user's, with exactly that user's rights.
//
// # Invariant
//
// No handler decides who may do what: changes are decided by graph.Graph.Apply, reads by package query, which asks the
// graph's CanSee predicates.
//
// # Concurrency
//
// A Server may serve several listeners at once. Shutdown waits for requests under way.
package web
