// Package style is the one stylesheet of the pages. It is sent without the comments and blanks that it is written with.
package style

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"regexp"
	"sync"
)

//go:embed style.css
var source []byte

// Path is where it is served.
const Path = "/static/style.css"

var (
	comments = regexp.MustCompile(`(?s)/\*.*?\*/`)
	blanks   = regexp.MustCompile(`\s+`)
	around   = regexp.MustCompile(`;? ?([{};,]) ?|(:) `) // no text in the stylesheet has one of these
)

// Sheet is what is sent. It never changes; who runs a command waits for none of it.
var Sheet = sync.OnceValue(func() []byte {
	css := blanks.ReplaceAll(comments.ReplaceAll(source, nil), []byte(" "))
	return bytes.ReplaceAll(around.ReplaceAll(css, []byte("$1$2")), []byte(";}"), []byte("}"))
})

// URL changes with the stylesheet, so that it may be kept for ever.
var URL = sync.OnceValue(func() string {
	sum := sha256.Sum256(Sheet())
	return Path + "?" + hex.EncodeToString(sum[:6])
})
