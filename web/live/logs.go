package live

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"hpfriends/query"
)

// logsEvery is how often, at most, a stream looks for refusals. A look at many rows takes time, and the more of it, the
// longer is the pause after it.
const (
	logsEvery = 500 * time.Millisecond
	logsShare = 10 // of the time of a stream, the part that it may look: one in so many
)

// serveLogs streams the rows of the Logs that the reader may see as they change, from Last-Event-ID, or else the
// position ?from=, or else now. An event has rows as lines of JSON, the oldest first.
func (s *Streams) serveLogs(w http.ResponseWriter, r *http.Request, d door) {
	begin, err := s.begin(r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	pause := logsEvery
	s.serve(w, r, d, begin, source{
		next: func(st *stream, at query.Position) query.Position {
			looked := time.Now()
			at = s.sendLogs(st, at)
			pause = max(logsEvery, logsShare*time.Since(looked))
			return at
		},
		rest: func(st *stream, _ query.Position) { st.pause(pause) },
	})
}

// sendLogs sends the rows that have changed behind a position, and returns the newest change among them.
func (s *Streams) sendLogs(st *stream, at query.Position) query.Position {
	now, cancel := context.WithCancel(st.ctx)
	cancel() // it looks once
	rows, err := s.Query.AwaitLogs(now, st.Actor, query.LogFilter{After: at.Index})
	if err != nil {
		st.err = err
		return at
	}
	var lines []byte
	for i := len(rows) - 1; i >= 0; i-- {
		line, err := json.Marshal(rows[i])
		if err != nil {
			st.err = err
			return at
		}
		lines = append(append(lines, line...), '\n')
		at.Index = max(at.Index, rows[i].Index)
	}
	if len(lines) > 0 {
		at.Offset = 0
		st.event("logs", at, lines)
	}
	return at
}
