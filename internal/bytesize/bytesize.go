// Package bytesize reads the sizes that people type, the same in flags and in the file of settings.
package bytesize

import (
	"errors"
	"math"
	"strings"

	"github.com/dustin/go-humanize"
)

// Forms lists what Parse understands, for help and errors.
const Forms = "16MiB, 500MB, 1.5GiB, or a number of bytes"

// Size is a number of bytes, in text as Parse has it.
type Size int64

// Parse reads a number with a unit, of 1000 (kB MB GB TB) or 1024 (KiB MiB GiB TiB), in letters of either case; or a
// number of bytes. Its errors list the forms.
func Parse(s string) (Size, error) {
	n, err := humanize.ParseBytes(s)
	if err == nil && n > math.MaxInt64 || err != nil && strings.HasPrefix(err.Error(), "too large") {
		return 0, errors.New("want less than 8 EiB: " + Forms)
	}
	if err != nil || strings.Contains(s, ",") { // which is a point to some, and a space to others
		return 0, errors.New("want a size: " + Forms)
	}
	return Size(n), nil
}

// UnmarshalText is Parse.
func (b *Size) UnmarshalText(text []byte) (err error) {
	*b, err = Parse(string(text))
	return err
}
