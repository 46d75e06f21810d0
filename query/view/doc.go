// Package view is what people are shown: the answers of package query, which the API sends as JSON and the command line
// prints.
//
// They are values with names instead of numbers, one file a noun. No value holds a secret. What is in one was chosen
// for its viewer by package query; the types decide nothing. The package imports neither the log nor Raft, and so do
// programs that speak to a server through package api.
//
// The names of the types and their tags are part of the API: they are in the OpenAPI document.
package view
