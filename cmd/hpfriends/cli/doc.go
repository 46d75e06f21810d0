// Package cli has the commands that ask a server's API, one file for each noun, and those that run or prepare a server
// (serve, config, cluster join, cluster recover).
//
// A command of the API is an operation of package api, the request that its flags and arguments make, and a table:
// order, show and list put them together. What a command prints is the answer, in words and tables or with --json as
// the API gave it; it decides nothing that the server has not decided. All that others wrote is printed through
// package term.
package cli
