// Package acme obtains the certificates of a server from an authority by ACME (RFC 8555), and renews them: certmagic
// does it, on storage that all nodes of a cluster have.
//
// Manager has the certificates. A handshake takes them from memory; nothing that goes wrong with a renewal touches the
// one in use, and connections keep the certificate that they were made with. Storage is the vault of the replicated
// state: whichever node the authority asks answers its challenge, one lock lets one node order a certificate, and what
// it got is in use on all nodes as soon as they have applied it. What is stored is sealed with the data key, so that
// neither the log nor a backup has a private key in clear.
//
// # Concurrency
//
// All methods may be called concurrently. Manager.Run has one caller.
package acme
