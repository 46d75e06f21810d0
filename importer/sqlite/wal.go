package sqlite

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
)

// walState is what of a write-ahead log is committed (4).
type walState struct {
	pages map[uint32][]byte
	size  uint32 // of the database, in pages; 0: nothing is committed
	mark  walMark
}

// walMark identifies the last commit.
type walMark struct {
	salts  uint64
	frames int
}

const (
	walHeader   = 32
	frameHeader = 24
	walMagic    = 0x377f0682 // and 1 more, where checksums are of big-endian words
	// maxWAL bounds what is held of a log: SQLite folds one into the database at 4 MB.
	maxWAL = 1 << 30
)

// readWAL reads what is committed in a write-ahead log. That there is none, or one that was given up, is no error.
func readWAL(path string, pageSize int) (s walState, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil && info.Size() > maxWAL {
		return s, ErrBusy
	}
	if err != nil {
		return s, err
	}
	log, err := os.ReadFile(path)
	if err != nil || len(log) < walHeader {
		return s, err
	}
	be := binary.BigEndian
	kind := be.Uint32(log)
	if kind&^1 != walMagic || int(be.Uint32(log[8:])) != pageSize {
		return s, nil
	}
	sum := checksum{big: kind&1 == 1}
	if sum.add(log[:24]); !sum.is(log[24:]) {
		return s, nil
	}
	s.mark.salts = be.Uint64(log[16:])
	s.pages = make(map[uint32][]byte)
	open := make(map[uint32][]byte) // of the transaction that is being read
	frames := 0
	for rest := log[walHeader:]; len(rest) >= frameHeader+pageSize; rest = rest[frameHeader+pageSize:] {
		frame, page := rest[:frameHeader], rest[frameHeader:frameHeader+pageSize]
		if be.Uint64(frame[8:]) != s.mark.salts { // of an older log in the same file
			break
		}
		sum.add(frame[:8])
		if sum.add(page); !sum.is(frame[16:]) {
			break
		}
		frames++
		open[be.Uint32(frame)] = page
		if size := be.Uint32(frame[4:]); size > 0 { // a commit
			for n, p := range open {
				s.pages[n] = p
			}
			clear(open)
			s.size, s.mark.frames = size, frames
		}
	}
	return s, nil
}

// checksum is that of a write-ahead log (4.2).
type checksum struct {
	big  bool
	a, b uint32
}

func (c *checksum) add(data []byte) {
	word := binary.LittleEndian.Uint32
	if c.big {
		word = binary.BigEndian.Uint32
	}
	for ; len(data) >= 8; data = data[8:] {
		c.a += word(data) + c.b
		c.b += word(data[4:]) + c.a
	}
}

func (c *checksum) is(stored []byte) bool {
	return binary.BigEndian.Uint32(stored) == c.a && binary.BigEndian.Uint32(stored[4:]) == c.b
}
