// Package definitions is the sharing graph as a document: users, groups, authkeys and shares with who has enabled them,
// named by what people call them and not by ids. An import makes one of another broker's key store, `export
// definitions` writes one to a file, and `apply` brings a server to what one says.
//
//   - Document is what is wanted, Read and Write are its file.
//   - Build makes a graph of a document, and so says before anything is changed what would be refused.
//   - Fetch reads the State of a server by its API, Diff says what would have to change, Apply does it.
//
// # Invariant
//
// Apply changes what Diff has listed and nothing else, and a Diff after it lists nothing. It is no transaction: each
// change is an entry of the log. They are ordered so that a break-off leaves nobody with more than the document gives
// them, and applying the document again does the rest.
//
// # Concurrency
//
// A Document is a value. Apply runs changes that do not depend on each other at the same time.
package definitions
