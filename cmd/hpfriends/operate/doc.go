// Package operate has the commands of whoever runs a server: what it is to be told (init) and was (config), what is
// wrong with it and its machine (doctor), what belongs around it (gen), and what to send with a report of a bug
// (debug).
//
// All but init look, and change nothing that is not asked for: doctor mends with --fix only, and then only what cannot
// lose anything. No secret and no payload gets into what they print or write: a setting that is a secret is in a file,
// which is named and not read, and what a bundle has is listed in bundle.go.
package operate
