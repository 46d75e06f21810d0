// Package answer sends pages: with the headers that keep them to their reader, and compressed where that tells nothing.
//
// # Concurrency
//
// Its functions may be called from any goroutine.
package answer

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// policy admits what the server itself sends, and nothing inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// worthwhile is how long an answer is compressed from, in bytes.
const worthwhile = 1 << 10

// Send writes a page. One with a secret in it is not compressed: its length would tell of it (BREACH).
func Send(w http.ResponseWriter, r *http.Request, status int, html []byte, secret bool) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "private, no-store")
	h.Add("Vary", "Cookie, Accept-Encoding")
	if secret || len(html) < worthwhile || !acceptsGzip(r) {
		h.Set("Content-Length", fmt.Sprint(len(html)))
		w.WriteHeader(status)
		_, _ = w.Write(html)
		return
	}
	h.Set("Content-Encoding", "gzip")
	small := zip(html)
	h.Set("Content-Length", fmt.Sprint(len(small)))
	w.WriteHeader(status)
	_, _ = w.Write(small)
}

// Lasting answers with what never changes at its address.
func Lasting(kind string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Content-Type", kind)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

func zip(html []byte) []byte {
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	var small bytes.Buffer
	z.Reset(&small)
	_, _ = z.Write(html) // a Buffer takes all
	_ = z.Close()
	z.Reset(io.Discard) // it keeps nothing of this answer
	return small.Bytes()
}

// zippers are kept: each is 800 KB. None waits for a reader.
var zippers = sync.Pool{New: func() any { return gzip.NewWriter(io.Discard) }}

func acceptsGzip(r *http.Request) bool {
	for _, one := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(one), ";")
		if name == "gzip" && strings.TrimSpace(q) != "q=0" {
			return true
		}
	}
	return false
}

// Local is an address on this server, where somebody may be sent: nobody is sent elsewhere.
func Local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(to, "//") ||
		strings.ContainsAny(to, "\\\r\n") {
		return "/"
	}
	return to
}
