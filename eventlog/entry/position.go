package entry

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Position is a place in the log: one message of one entry. Positions are ordered and never reused.
type Position struct {
	Index  uint64 // of the entry
	Offset uint32 // of the message in the entry's batch, from 0
}

// String prints a position as people and clients write it: "#812.4".
func (p Position) String() string {
	return "#" + strconv.FormatUint(p.Index, 10) + "." + strconv.FormatUint(uint64(p.Offset), 10)
}

// Compare orders positions as the log does: -1, 0 or +1.
func (p Position) Compare(q Position) int {
	if c := cmp.Compare(p.Index, q.Index); c != 0 {
		return c
	}
	return cmp.Compare(p.Offset, q.Offset)
}

// ParsePosition reads "#812.4", "812.4" or "#812" (the entry's first message).
func ParsePosition(s string) (Position, error) {
	index, offset, dotted := strings.Cut(strings.TrimPrefix(s, "#"), ".")
	var p Position
	var err error
	if p.Index, err = parseDigits(index, 64); err == nil && dotted {
		var n uint64
		n, err = parseDigits(offset, 32)
		p.Offset = uint32(n)
	}
	if err != nil {
		return Position{}, fmt.Errorf("%.40q is not a position: want #INDEX.OFFSET, as messages have it", s)
	}
	return p, nil
}

// parseDigits refuses the sign that strconv would refuse too, and leading zeros: one position has one spelling.
func parseDigits(s string, bits int) (uint64, error) {
	if len(s) > 1 && s[0] == '0' {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(s, 10, bits)
}
