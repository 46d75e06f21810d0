// Package certs has the certificates of a server: those that lie in files, which are read again when they change.
//
// A handshake takes what is current, from memory. Nothing that goes wrong with a new certificate touches the one in
// use: a pair that cannot be read, does not fit together or is over is told of, in the log, by a metric and by Status,
// and the old one stays. Connections keep the certificate that they were made with.
//
// All methods may be called concurrently. Store.Watch has one caller.
package certs
