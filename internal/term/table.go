package term

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// Table prints rows under a header; the cells are made safe.
func Table(w io.Writer, header []string, rows [][]string) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = 0
	t.AppendHeader(toRow(header))
	for _, r := range rows {
		t.AppendRow(toRow(r))
	}
	for line := range strings.Lines(t.Render() + "\n") {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}

func toRow(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = Visible(c)
	}
	return row
}

// Time is a time in the zone of this machine (TZ), which it says, with the milliseconds of the log's clock: who copies
// it to an option, in any zone, means the same.
func Time(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02T15:04:05.000Z07:00")
}

func OptionalTime(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return Time(*t)
}

func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Optional is a cell of what may not be shown to the asker.
func Optional[T any](v *T, show func(T) string) string {
	if v == nil {
		return "-"
	}
	return show(*v)
}

// Joined is a list in a cell.
func Joined[T ~string](all []T) string {
	parts := make([]string, len(all))
	for i, v := range all {
		parts[i] = string(v)
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, " ")
}
