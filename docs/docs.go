// Package docs is the documentation, as it is bundled into the program: package web/help makes pages of it.
package docs

import "embed"

// Files are the documents, and the drawings in them. Words like HOST and IDENT in the examples of some are places for
// what a reader's own are.
//
//go:embed *.md pictures/*.svg
var Files embed.FS
