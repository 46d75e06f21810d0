package restore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"hpfriends/internal/atomicfile"
	"hpfriends/internal/readfile"
)

// MarkFile is the file in a data directory that says that it was restored.
const MarkFile = "restored.json"

// Mark says what a directory was restored from.
type Mark struct {
	Finished bool      `json:"finished"`
	Backup   string    `json:"backup"`  // id of the last one
	Cluster  string    `json:"cluster"` // that it is of
	Index    uint64    `json:"index"`   // entry up to which the log is the old one
	Term     uint64    `json:"term"`
	NoKey    bool      `json:"noKey"` // the data key is a new one: it opens no secret of before
	Begun    time.Time `json:"begun"`
}

// ErrUnfinished is the error of a directory whose restore was cut short.
var ErrUnfinished = errors.New("restore: this data directory was not restored to the end")

// Read returns the mark of a directory, nil when it was not restored, and an ErrUnfinished when it is of no use.
func Read(dir string) (*Mark, error) {
	data, err := readfile.Regular(filepath.Join(dir, MarkFile), 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m := new(Mark)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("restore: %s: %w", filepath.Join(dir, MarkFile), err)
	}
	if !m.Finished {
		return nil, fmt.Errorf("%w: remove %s, and begin again with `hpfriends backup restore`", ErrUnfinished, dir)
	}
	return m, nil
}

func (m *Mark) write(dir string) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, MarkFile), append(data, '\n'), 0o600)
}
