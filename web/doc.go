// Package web serves HTTP: the JSON API under /api/v1 (package v1), its OpenAPI 3.1 document at /api/openapi.json,
// metrics, health, /ip for sensors, and the scripts of the pages under /assets/ (package assets). Package who says who
// sends a request.
//
// One set of handlers, two ways in. On TCP a request carries an API token ("Authorization: Bearer hpf_…"); to make
// the first one, POST /api/v1/tokens also takes handle and password (HTTP basic). On the local socket in the data
// directory, which only its owner can open, a request is the operator's; with the header X-Hpfriends-As it is that
// user's, with exactly that user's rights.
//
// # Invariant
//
// Nobody unknown reaches an operation of the API, and everything else knows nobody. Whatever is served has the
// headers of harden and a bounded body.
//
// # Concurrency
//
// A Server may serve several listeners at once. Shutdown waits for requests under way.
package web
