// Package api is the JSON API of hpfriends as Go types, and its one client.
//
// Every operation is declared once, as a variable of type Op, Listing, Long or Stream: its route, what a client sends
// and what it is answered. Package web/v1 serves these variables and a Client calls them, so that the two ends cannot
// differ:
//
//	c := api.Local("hpfriends-data").As("ada")
//	share := api.NewShare{Channel: "dionaea.*", To: "bob"}
//	made, err := api.AddShare.Call(ctx, c, api.With[api.NewShare]{Body: share})
//
// # Inputs
//
// What a client sends is a struct. A field with the tag path or query is a parameter; the field Body is sent as JSON.
// Parameters that are zero are left out. The other tags (doc, enum, minimum, pattern, ...) are for the OpenAPI
// document.
//
// # Errors
//
// A refusal is a *Problem: its Code says what kind it is, its Detail what happened, its Hint what to do next. Another
// error means that the server could not be reached, or that the connection broke; whether a change was made is then
// unknown.
//
// # Concurrency
//
// A Client is immutable, and may be used by many goroutines.
package api
