// Package help makes pages of the documentation: of the documents of package docs, and of the OpenAPI document.
//
// A document is read once, as Markdown. Its examples have places for what differs from server to server and from reader
// to reader (HOST, PORT, IDENT, …); they are filled each time that it is shown.
//
// # Invariant
//
// What is made of a document is HTML without script, style or handler, whatever the document says; what fills a place
// stays text.
//
// # Concurrency
//
// A Library and a Reference do not change, and may be used by many goroutines.
package help
