package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Errors of this package, beside those of reading files.
var (
	ErrNoDatabase = errors.New("not an SQLite 3 database")
	ErrDamaged    = errors.New("the database is damaged")
	ErrBusy       = errors.New("the database is being written: try again")
	ErrHot        = errors.New("the last change of the database was broken off: open it once with what writes it, " +
		"or with sqlite3, which rolls the change back")
	ErrNoTable = errors.New("no such table")
)

// Database is an open file.
type Database struct {
	file     *os.File
	pages    uint32
	pageSize int
	usable   int // bytes of a page that hold content
	encoding uint32
	wal      map[uint32][]byte // committed pages that are not in the file yet
	log      walState          // what the write-ahead log looked like
}

const (
	headerSize = 100
	magic      = "SQLite format 3\x00"
)

// Open opens a database for reading. Who has it must Close it.
func Open(path string) (*Database, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	d := &Database{file: f}
	if err := d.begin(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// Close gives up the file and its lock.
func (d *Database) Close() error { return d.file.Close() }

// begin locks the database and reads its header (1.3).
func (d *Database) begin() error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: it is no regular file", ErrNoDatabase)
	}
	if err := lock(d.file); err != nil {
		return err
	}
	if err := refuseHot(d.file); err != nil {
		return err
	}
	header := make([]byte, headerSize)
	if _, err := d.file.ReadAt(header, 0); err != nil || !bytes.HasPrefix(header, []byte(magic)) {
		return ErrNoDatabase
	}
	if err := d.readHeader(header); err != nil {
		return err
	}
	d.pages = uint32(min(info.Size()/int64(d.pageSize), 1<<32-1))
	if d.log, err = readWAL(d.file.Name()+"-wal", d.pageSize); err != nil {
		return err
	}
	d.wal = d.log.pages
	if d.log.size > 0 {
		d.pages = d.log.size
	}
	return nil
}

func (d *Database) readHeader(header []byte) error {
	d.pageSize = int(binary.BigEndian.Uint16(header[16:]))
	if d.pageSize == 1 {
		d.pageSize = 65536
	}
	d.usable = d.pageSize - int(header[20])
	if d.pageSize < 512 || d.pageSize&(d.pageSize-1) != 0 || d.usable < 480 {
		return fmt.Errorf("%w: pages of %d bytes", ErrDamaged, d.pageSize)
	}
	if d.encoding = binary.BigEndian.Uint32(header[56:]); d.encoding == 0 { // nothing was ever written
		d.encoding = utf8Text
	}
	if d.encoding > utf16beText {
		return fmt.Errorf("%w: text encoding %d", ErrDamaged, d.encoding)
	}
	return nil
}

// refuseHot refuses a database that has to be rolled back first: there is a journal, and nobody who is writing it.
func refuseHot(f *os.File) error {
	journal, err := os.Open(f.Name() + "-journal")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer journal.Close()
	begin := make([]byte, 8)
	if _, err := io.ReadFull(journal, begin); err != nil || string(begin) != "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" {
		return nil // it is empty, or zeroed: done with
	}
	writing, err := reserved(f)
	if err == nil && !writing {
		return ErrHot
	}
	return err
}

// page returns a page by its number, the first is 1.
func (d *Database) page(n uint32) ([]byte, error) {
	if n == 0 || n > d.pages {
		return nil, fmt.Errorf("%w: it refers to page %d of %d", ErrDamaged, n, d.pages)
	}
	if p, ok := d.wal[n]; ok {
		return p, nil
	}
	p := make([]byte, d.pageSize)
	if _, err := d.file.ReadAt(p, int64(n-1)*int64(d.pageSize)); err != nil {
		return nil, fmt.Errorf("%w: page %d: %w", ErrDamaged, n, err)
	}
	return p, nil
}

// Changed reports whether something was committed since Open, so that what was read since may be of two states.
func (d *Database) Changed() (bool, error) {
	now, err := readWAL(d.file.Name()+"-wal", d.pageSize)
	return err == nil && now.mark != d.log.mark, err
}
