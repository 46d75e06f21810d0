package feed

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/internal/atomicfile"
	"hpfriends/internal/term"
)

// cursorFile holds a position, as one line.
type cursorFile struct {
	path    string
	written entry.Position
	at      time.Time
}

// cursorEvery is how often the file is written, at most. What was printed since then is printed again after a crash.
const cursorEvery = time.Second

// read is the position in the file, zero if there is no file yet.
func (f *cursorFile) read() (p entry.Position, err error) {
	b, err := atomicfile.Read(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	}
	text := strings.TrimSpace(string(b))
	if err == nil && text == "" {
		return p, fmt.Errorf("--cursor-file: %s is empty: it does not say how far sub got; remove it to begin anew", f.path)
	}
	if err != nil {
		return p, fmt.Errorf("--cursor-file: %w", err)
	}
	if p, err = entry.ParsePosition(text); err != nil {
		return p, fmt.Errorf("--cursor-file: %s is not whole, or not a file that sub has written: give the name of another, "+
			"or remove it to begin anew", term.Visible(f.path))
	}
	f.written = p
	return p, nil
}

// keep writes p unless it was written just now.
func (f *cursorFile) keep(p entry.Position, now bool) error {
	if p == f.written || (p == entry.Position{}) || !now && time.Since(f.at) < cursorEvery {
		return nil
	}
	if err := atomicfile.Write(f.path, fmt.Appendln(nil, p), 0o600); err != nil {
		return fmt.Errorf("--cursor-file: %w", err)
	}
	f.written, f.at = p, time.Now()
	return nil
}
