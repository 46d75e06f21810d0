package sqlite

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// Row is a row of a table: its values in the order of the columns that were asked for. They are nil, int64, float64,
// string, or []byte for a blob; text that is not UTF-8 is a blob, too.
type Row struct {
	ID     int64
	Values []any
}

// Kinds of pages of a table (1.6).
const (
	interior = 0x05
	leaf     = 0x0d
	// maxDepth bounds how pages refer to each other: SQLite's own trees have at most 20 levels.
	maxDepth = 20
)

// walk visits the cells of the table whose first page is root.
type walk struct {
	*Database
	yield func(id int64, payload []byte) bool
	seen  map[uint32]bool // pages, so that none is read twice
	left  uint64          // bytes that rows can still have: together they are no more than the file
}

// visit returns false when there is no need for more.
func (w *walk) visit(n uint32, depth int) (more bool, err error) {
	if depth > maxDepth || w.seen[n] {
		return false, fmt.Errorf("%w: the pages of a table refer to each other in a circle", ErrDamaged)
	}
	w.seen[n] = true
	page, err := w.page(n)
	if err != nil {
		return false, err
	}
	header := page
	if n == 1 {
		header = page[headerSize:]
	}
	cells, first := int(binary.BigEndian.Uint16(header[3:])), 8
	kind := header[0]
	if kind == interior {
		first = 12
	}
	if kind != interior && kind != leaf || first+2*cells > len(header) {
		return false, fmt.Errorf("%w: page %d is of no table", ErrDamaged, n)
	}
	for i := range cells {
		at := int(binary.BigEndian.Uint16(header[first+2*i:]))
		if at+4 > w.usable {
			return false, fmt.Errorf("%w: page %d: a cell is outside of it", ErrDamaged, n)
		}
		if kind == interior {
			more, err = w.visit(binary.BigEndian.Uint32(page[at:]), depth+1)
		} else {
			more, err = w.cell(page[at:w.usable])
		}
		if !more || err != nil {
			return false, err
		}
	}
	if kind == interior {
		return w.visit(binary.BigEndian.Uint32(header[8:]), depth+1)
	}
	return true, nil
}

// cell reads a cell of a leaf: the size of the payload, the row id, the payload.
func (w *walk) cell(b []byte) (more bool, err error) {
	size, b, ok := varint(b)
	id, b, ok2 := varint(b)
	if !ok || !ok2 {
		return false, fmt.Errorf("%w: a cell is cut off", ErrDamaged)
	}
	payload, err := w.payload(b, size)
	if err != nil {
		return false, err
	}
	return w.yield(int64(id), payload), nil
}

// payload collects what of a payload is in its cell and on overflow pages.
func (w *walk) payload(b []byte, size uint64) ([]byte, error) {
	if size > w.left {
		return nil, fmt.Errorf("%w: a row of %d bytes", ErrDamaged, size)
	}
	w.left -= size
	total, u := int(size), w.usable
	local := total
	if most := u - 35; total > most {
		least := (u-12)*32/255 - 23
		if local = least + (total-least)%(u-4); local > most {
			local = least
		}
	}
	if local > len(b) || total > local && local+4 > len(b) {
		return nil, fmt.Errorf("%w: a row is cut off", ErrDamaged)
	}
	if local == total {
		return b[:total], nil
	}
	all := append([]byte(nil), b[:local]...)
	next := binary.BigEndian.Uint32(b[local:])
	for read := 0; len(all) < total; read++ {
		page, err := w.page(next)
		if err != nil {
			return nil, err
		}
		next = binary.BigEndian.Uint32(page)
		all = append(all, page[4:min(u, 4+total-len(all))]...)
	}
	return all, nil
}

// varint reads a number of 1 to 9 bytes.
func varint(b []byte) (v uint64, rest []byte, ok bool) {
	for i := range min(9, len(b)) {
		if i == 8 {
			return v<<8 | uint64(b[i]), b[9:], true
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}

// scan yields the rows of the table that begins at a page, with all their columns.
func (d *Database) scan(root uint32) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		w := walk{Database: d, seen: make(map[uint32]bool), left: uint64(d.pages) * uint64(d.pageSize)}
		var bad error
		w.yield = func(id int64, payload []byte) bool {
			values, err := d.record(payload)
			if err != nil {
				bad = err
				return false
			}
			return yield(Row{id, values}, nil)
		}
		_, err := w.visit(root, 0)
		if bad != nil {
			err = bad
		}
		if err != nil {
			yield(Row{}, err)
		}
	}
}
