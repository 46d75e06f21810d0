package layout

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/cockroachdb/pebble/v2"

	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/syndrome"
)

// Extent is where damage lies. A checksum says that there is a wrong byte, and among which bytes, but not which one;
// where the checksum is explained by a single wrong byte, that one is named.
type Extent struct {
	File   string // of the disk; empty: the bytes are those of the entry's record, see record.go
	Offset uint64 // of the first byte that the failed check covers
	Length uint64
	Byte   int64 // offset of the wrong byte, if there is only one; -1: not known
}

func (x *Extent) String() string {
	of := "record"
	if x.File != "" {
		of = x.File
	}
	if x.Byte >= 0 {
		return fmt.Sprintf("first bad byte %d of %s", x.Byte, of)
	}
	return fmt.Sprintf("first bad byte is one of [%d, %d) of %s", x.Offset, x.Offset+x.Length, of)
}

// recordExtent finds the damage of a record whose checksum, its first four bytes, differs by some bits.
func recordExtent(encoded []byte, differ uint32) *Extent {
	x := &Extent{Length: uint64(len(encoded)), Byte: -1}
	for i := range 4 {
		if shift := 24 - 8*i; differ&^(0xff<<shift) == 0 { // a byte of the checksum itself
			x.Byte = int64(i)
			return x
		}
	}
	if at := syndrome.WrongByte(len(encoded)-4, differ); at >= 0 {
		x.Byte = int64(at) + 4
	}
	return x
}

// blockError is what Pebble says of a block: its place in the file, its length without the byte behind it that the
// checksum covers too, and the checksums that it should have and has.
var blockError = regexp.MustCompile(`block (\d+)/(\d+): (\w+) checksum mismatch ([0-9a-f]+) != ([0-9a-f]+)`)

// Damaged turns Pebble's corruption into ours and leaves other errors as they are.
func Damaged(err error) error { return DamagedEntry(0, err) }

// DamagedEntry is Damaged, of an entry.
func DamagedEntry(index uint64, err error) error {
	if !pebble.IsCorruptionError(err) {
		return err
	}
	return &CorruptError{Index: index, Reason: "damaged table", Where: tableExtent(err), Err: err}
}

// tableExtent takes from Pebble's error what it says about the place: the file is a value, the block is text only. (It
// also looks for a flipped bit, by trying all in the first 40 KiB of the block.)
func tableExtent(err error) *Extent {
	info := pebble.ExtractDataCorruptionInfo(err)
	block := blockError.FindStringSubmatch(err.Error())
	if info == nil || block == nil {
		return nil
	}
	number := func(i, base int) uint64 {
		n, _ := strconv.ParseUint(block[i], base, 64) // the expression lets digits through only
		return n
	}
	x := &Extent{File: info.Path, Offset: number(1, 10), Length: number(2, 10), Byte: -1}
	if block[3] != "crc32c" || x.Length > maxBlock {
		return x
	}
	differ := syndrome.Unmask(uint32(number(4, 16))) ^ syndrome.Unmask(uint32(number(5, 16)))
	if at := syndrome.WrongByte(int(x.Length)+1, differ); at >= 0 {
		x.Byte = int64(x.Offset) + int64(at)
	}
	return x
}

// maxBlock bounds the search: a block is one entry, and what is read of an error is not to be believed.
const maxBlock = 2 * entry.MaxBatchBytes
