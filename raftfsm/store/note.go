package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"hpfriends/internal/atomicfile"
	"hpfriends/internal/readfile"
)

// NoteFile is the name of the note in the data directory.
const NoteFile = "synced.note"

// mark is the newest entry that is known to be synced: index and term.
type mark struct{ index, term uint64 }

// note is the mark as of the newest append, where the stable store's is of up to a second before. It is written and not
// synced: it outlives the process, and costs no append a second sync. After a power loss it may be older;
// never ahead, since it is written after the entry is synced, and lowered, synced, before an end is deleted. The file
// itself is synced when it is made, and the stable store knows that: one that is gone was taken away.
//
//	mark  index u64 | term u64     base  index u64 | term u64     CRC32C of both u32
//
// The base is the stable store's mark. A note on another base says nothing: it is of another moment (a restored
// stable store, a version that writes no notes).
type note struct {
	mu   sync.Mutex
	file *os.File
	mark mark
	base mark
}

const noteSize = 36

// errNoteGone says what somebody can do who knows better.
var errNoteGone = errors.New("store: " + NoteFile + " is missing, so nobody knows which entries were acknowledged " +
	"last: put it back; if `hpfriends check` finds the log whole, and nothing is missing, make an empty file")

// openNote opens the note in dir, or makes it; made says that it has been there.
func openNote(dir string, base mark, made bool) (*note, error) {
	path := filepath.Join(dir, NoteFile)
	if !made {
		if err := atomicfile.Create(path, nil, 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	m, err := readNote(dir, base, true)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	return &note{file: f, base: base, mark: m}, err
}

// readNote returns the mark of the note in dir, or the base when there is none on that base; made says that there has
// been one.
func readNote(dir string, base mark, made bool) (mark, error) {
	v, err := readfile.Regular(filepath.Join(dir, NoteFile), 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		if made {
			return base, fmt.Errorf("%w: %w", errNoteGone, err)
		}
		return base, nil
	}
	if err != nil {
		return base, err
	}
	if len(v) != noteSize || binary.BigEndian.Uint32(v[32:]) != crc32.Checksum(v[:32], castagnoli) {
		return base, nil // of a file system that lost it
	}
	if markOf(v[16:]) != base {
		return base, nil
	}
	return markOf(v), nil
}

func markOf(v []byte) mark { return mark{binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])} }

func (m mark) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, m.index), m.term)
}

// get returns the mark.
func (n *note) get() mark {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mark
}

// set writes another mark. The entry is synced.
func (n *note) set(m mark) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mark = m
	return n.write()
}

// rebase writes that the stable store has another mark.
func (n *note) rebase(base mark) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.base = base
	if n.mark.index < base.index {
		n.mark = base
	}
	return n.write()
}

func (n *note) write() error {
	v := n.base.append(n.mark.append(make([]byte, 0, noteSize)))
	_, err := n.file.WriteAt(binary.BigEndian.AppendUint32(v, crc32.Checksum(v, castagnoli)), 0)
	return err
}
