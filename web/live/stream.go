package live

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"hpfriends/graph"
	"hpfriends/query"
)

// stream is one answer that goes on.
type stream struct {
	graph.Actor
	w     http.ResponseWriter
	rc    *http.ResponseController
	ctx   context.Context //nolint:containedctx // of the request, which is what a stream is
	wrote time.Time
	err   error // the reader is gone, or does not read
}

func (st *stream) open() {
	h := st.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Accel-Buffering", "no") // for proxies that would hold events back
	st.w.WriteHeader(http.StatusOK)
	// A browser that was cut off tries again after a second.
	st.write([]byte("retry: 1000\n\n"))
}

// event sends an event of one or more lines of data. The zero position is no id.
func (st *stream) event(kind string, id query.Position, lines []byte) {
	var b bytes.Buffer
	b.Grow(len(lines) + len(lines)/32 + 64)
	if kind != "" {
		b.WriteString("event: " + kind + "\n")
	}
	if id != (query.Position{}) {
		b.WriteString("id: " + id.String() + "\n")
	}
	for line := range bytes.Lines(lines) {
		b.WriteString("data: ")
		b.Write(bytes.TrimRight(line, "\r\n"))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	st.write(b.Bytes())
}

// sign is a sign of life. It has no data, and so is no event for the page; a browser keeps its id.
func (st *stream) sign(at query.Position) { st.write([]byte("id: " + at.String() + "\n\n")) }

func (st *stream) write(b []byte) {
	if st.err != nil {
		return
	}
	_ = st.rc.SetWriteDeadline(time.Now().Add(alive))
	if _, st.err = st.w.Write(b); st.err == nil {
		st.err = st.rc.Flush()
	}
	st.wrote = time.Now()
}

// pause waits, or ends the stream.
func (st *stream) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-st.ctx.Done():
		st.err = st.ctx.Err()
	}
}
