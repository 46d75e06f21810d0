package eventlog

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/cockroachdb/pebble/v2"
)

// Extent is where damage lies. A checksum says that there is a wrong byte, and among which bytes, but not which one; where
// the checksum is explained by a single wrong byte, that one is named.
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

// recordExtent finds the damage of a record whose checksum is wrong.
//
// A CRC is linear: sum(damaged) xor sum(sound) is the sum of the difference alone, whatever the bytes are. If only one byte
// differs, that sum is the byte's own difference, moved on by as many zero bytes as follow it; moving it back until what is
// left fits into a byte finds it. For a record of n bytes with several wrong ones this points at a byte by chance with
// a probability of n/2^24.
func recordExtent(encoded []byte, syndrome uint32) *Extent {
	x := &Extent{Length: uint64(len(encoded)), Byte: -1}
	for i := range 4 {
		if shift := 24 - 8*i; syndrome&^(0xff<<shift) == 0 { // a byte of the checksum itself
			x.Byte = int64(i)
			return x
		}
	}
	state := syndrome
	for i := len(encoded) - 1; i >= 4; i-- {
		// Back over byte i: the register before the update, if it was zero above the byte, equals the byte's difference.
		if state = backByte(state); state>>8 == 0 {
			x.Byte = int64(i)
			return x
		}
	}
	return x
}

// backByte undoes the effect of one zero byte on a CRC-32C register (reflected, as package hash/crc32 has it).
func backByte(state uint32) uint32 {
	const reflected = 0x82f63b78
	for range 8 {
		if state&(1<<31) != 0 {
			state = (state^reflected)<<1 | 1
		} else {
			state <<= 1
		}
	}
	return state
}

var (
	blockPlace = regexp.MustCompile(`block (\d+)/(\d+):`)
	flipPlace  = regexp.MustCompile(`bit flip found: byte index (\d+)`)
)

// damaged turns Pebble's corruption into ours and leaves other errors as they are.
func damaged(err error) error { return damagedEntry(0, err) }

func damagedEntry(index uint64, err error) error {
	if !pebble.IsCorruptionError(err) {
		return err
	}
	return &CorruptError{Index: index, Reason: "damaged table", Where: tableExtent(err), Err: err}
}

// tableExtent takes from Pebble's error what it says about the place: the file is a value, the block (offset/length) and a
// single flipped bit are text only.
func tableExtent(err error) *Extent {
	info := pebble.ExtractDataCorruptionInfo(err)
	block := blockPlace.FindStringSubmatch(err.Error())
	if info == nil || block == nil {
		return nil
	}
	x := &Extent{File: info.Path, Byte: -1}
	x.Offset, _ = strconv.ParseUint(block[1], 10, 64)
	x.Length, _ = strconv.ParseUint(block[2], 10, 64)
	if flip := flipPlace.FindStringSubmatch(fmt.Sprintf("%+v", err)); flip != nil {
		at, _ := strconv.ParseInt(flip[1], 10, 64)
		x.Byte = int64(x.Offset) + at
	}
	return x
}
