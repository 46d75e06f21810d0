package pages

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"time"
)

//go:embed style.css
var style []byte

const stylePath = "/static/style.css"

// styleURL changes with the stylesheet, so that it may be kept for ever.
var styleURL = func() string {
	sum := sha256.Sum256(style)
	return stylePath + "?" + hex.EncodeToString(sum[:6])
}()

func serveStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(style))
}
