//go:build coldlog

package cold

import (
	"bytes"

	"hpfriends/eventlog/block"
)

// PacksSoon reports whether the program was built with the tag coldlog: most of what is applied goes into blocks at
// once then, and nothing of it stays in the tail, so that every test that reads a log reads one that is partly cold.
const PacksSoon = true

// Blocks double up to the most entries, so that short logs have some, and long ones are not all of small ones.
const (
	leastSoon = 8
	mostSoon  = 64
	warmSoon  = 3 // entries that stay as they are
)

// Soon returns before which entry a log is to be packed that is applied up to one and in blocks up to another; 0: not
// now.
func Soon(applied, ends uint64) (before uint64) {
	if applied < ends+min(max(ends, leastSoon), mostSoon) {
		return 0
	}
	return applied - warmSoon
}

// What all blocks share is used here once: a test in a bubble of synctest that was the first to do so would take it
// along.
func init() {
	if _, err := decodeMarks(&Head{First: 1, Last: 1}, EncodeMarks(0, []Mark{{}})); err != nil {
		panic(err)
	}
	var w block.Writer
	w.Add(block.Entry{Index: 1, Term: 1})
	encoded := w.Encode()
	b, err := block.Open(bytes.NewReader(encoded), int64(len(encoded)))
	if err == nil {
		err = b.Entries(func(*block.Entry) error { return nil })
	}
	if err != nil {
		panic(err)
	}
}
