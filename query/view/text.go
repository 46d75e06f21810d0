package view

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Visible makes characters visible that would change the text around them, or that nobody could see: controls, marks
// of direction, bytes that are no UTF-8.
func Visible(s string) string {
	if strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, c := range s {
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, "\\x%02x", s[i])
		case hidden(c):
			b.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// hidden reports whether a character cannot be shown as itself. Format characters (Cf) turn the direction of text, or
// cannot be seen.
func hidden(c rune) bool {
	return c == utf8.RuneError || unicode.In(c, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp)
}

// formula is how a formula begins, in a cell or behind a semicolon, at which some spreadsheets begin another cell.
var formula = regexp.MustCompile(`(^|;[" ]*)([=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}])`)

// harmless is a cell of CSV that no spreadsheet takes for a formula (OWASP, "CSV Injection"). Tabs are visible: they
// separate nothing.
func harmless(s string) string { return formula.ReplaceAllString(Visible(s), "$1'$2") }

// WriteLogsCSV writes rows of the Logs with a line of titles (RFC 4180).
func WriteLogsCSV(w io.Writer, rows []LogRow) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write([]string{"time", "first", "user", "identifier", "kind", "message", "channel", "address", "count"})
	for _, r := range rows {
		cells := []string{
			r.Time.UTC().Format(time.RFC3339Nano), r.First.UTC().Format(time.RFC3339Nano), r.User, r.Identifier, string(r.Kind),
			r.Text(), r.Channel, r.Address, strconv.FormatUint(r.Count, 10),
		}
		for i, c := range cells {
			cells[i] = harmless(c)
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}
