package assets

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// forever is for what never changes under its name.
const forever = "public, max-age=31536000, immutable"

// encodings are those that files are served in, the best first.
var encodings = []string{"zstd", "gzip"}

// Handler serves the files under Base.
func (s *Set) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var f *file
		if s != nil {
			f = s.files[strings.TrimPrefix(r.URL.Path, Base)]
		}
		if f == nil {
			http.NotFound(w, r)
			return
		}
		f.serve(w, r)
	})
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", forever)
	h.Set("Content-Type", f.kind)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", `"`+f.hash+`"`)
	content := f.content
	if encoding := accepted(r.Header.Values("Accept-Encoding")); encoding != "" {
		content = f.encoded()[encoding]
		h.Set("Content-Encoding", encoding)
		h.Set("ETag", `"`+f.hash+"-"+encoding+`"`)
	}
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(content))
}

// accepted returns the best encoding that the client takes, or nothing.
func accepted(values []string) string {
	takes := make(map[string]bool)
	for _, offer := range strings.Split(strings.Join(values, ","), ",") {
		name, parameters, _ := strings.Cut(offer, ";")
		quality, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(parameters), "q="), 64)
		takes[strings.ToLower(strings.TrimSpace(name))] = err != nil || quality > 0
	}
	for _, encoding := range encodings {
		if takes[encoding] {
			return encoding
		}
	}
	return ""
}

// compress encodes the content as small as it gets: this happens once.
func (f *file) compress() map[string][]byte {
	var zipped bytes.Buffer
	z, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // the level is a valid one, and a Buffer takes all
	_, _ = z.Write(f.content)
	_ = z.Close()
	e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	defer e.Close()
	return map[string][]byte{"gzip": zipped.Bytes(), "zstd": e.EncodeAll(f.content, nil)}
}
