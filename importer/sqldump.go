package importer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// SQL reads a dump of the table auth_keys, which the Python broker has with --auth database+URL, or of authkeys, its
// own SQLite database: what pg_dump, mysqldump and sqlite3 .dump write, with INSERT or with COPY. Where a statement
// names no columns, they stand as the broker expects them: it reads by their places, too.
func SQL(path string) (Store, error) {
	data, err := readText(path)
	if err != nil {
		return Store{}, err
	}
	d := dump{text: string(data), mysql: isMySQL(data), seen: make(map[string]string)}
	for d.at < len(d.text) {
		if err := d.statement(); err != nil {
			return Store{}, fmt.Errorf("%s: line %d: %w", path, d.line(), err)
		}
	}
	if !d.found {
		return Store{}, fmt.Errorf("%s: no INSERT or COPY of a table auth_keys or authkeys is in it", path)
	}
	return d.Store, nil
}

// isMySQL reports whether a \ in a string of the dump means what is behind it.
func isMySQL(data []byte) bool {
	head := data[:min(len(data), 2000)]
	return bytes.Contains(head, []byte("MySQL dump")) || bytes.Contains(head, []byte("MariaDB dump")) ||
		bytes.Contains(data, []byte("INSERT INTO `"))
}

type dump struct {
	Store
	text  string
	mysql bool
	seen  map[string]string
	found bool

	at    int // place in text
	lines int // before counted
	count int // lines counted so far
}

// line is the number of the line that is being read.
func (d *dump) line() int {
	d.count += strings.Count(d.text[d.lines:d.at], "\n")
	d.lines = d.at
	return d.count + 1
}

// The columns of the tables by their places. id is not taken.
var tableColumns = map[string][]string{
	"auth_keys": {"id", "ident", "secret", "pubchans", "subchans"},
	"authkeys":  {"id", "owner", "ident", "secret", "pubchans", "subchans"},
}

// columnNames are other names of columns.
var columnNames = map[string]string{"identifier": "ident", "publish": "pubchans", "subscribe": "subchans"}

// statement reads a statement, or steps over it.
func (d *dump) statement() error {
	switch word := strings.ToUpper(d.word()); word {
	case "INSERT", "REPLACE":
		return d.insert()
	case "COPY":
		return d.copy()
	case "":
		d.at = len(d.text)
		return nil
	}
	return d.skip()
}

// skip goes behind the next semicolon.
func (d *dump) skip() error {
	for {
		t, err := d.token()
		if err != nil || t.text == ";" && !t.quoted || t.text == "" && !t.quoted {
			return err
		}
	}
}

// head reads the table and its columns: [schema.]table [(column, ...)]. ok is false if it is about another table.
func (d *dump) head() (columns []string, ok bool, err error) {
	name, err := d.token()
	for err == nil && d.peek() == '.' {
		_, _ = d.token()
		name, err = d.token()
	}
	if err != nil {
		return nil, false, err
	}
	columns, ok = tableColumns[strings.ToLower(name.text)]
	if !ok || d.peek() != '(' {
		return columns, ok, nil
	}
	columns = nil
	for {
		t, err := d.token()
		if err != nil || t.text == "" && !t.quoted {
			return nil, false, fmt.Errorf("the list of columns has no end: %w", errCutOff)
		}
		switch {
		case t.text == ")" && !t.quoted:
			return columns, true, nil
		case t.quoted || t.text != "(" && t.text != ",":
			c := strings.ToLower(t.text)
			if known, ok := columnNames[c]; ok {
				c = known
			}
			columns = append(columns, c)
		}
	}
}

func (d *dump) insert() error {
	for strings.ToUpper(d.word()) != "INTO" { // INSERT OR REPLACE INTO, INSERT IGNORE INTO
		if d.at >= len(d.text) {
			return errCutOff
		}
	}
	columns, ok, err := d.head()
	if err != nil || !ok {
		if err == nil {
			err = d.skip()
		}
		return err
	}
	if word := strings.ToUpper(d.word()); word != "VALUES" {
		return fmt.Errorf("want VALUES, got %q: only rows with their values can be read", clip(word))
	}
	for {
		d.space()
		line := d.line()
		row, more, err := d.values()
		if err != nil {
			return err
		}
		d.take(line, columns, row)
		if !more {
			return d.skip()
		}
	}
}

// values reads (value, ...), and whether another row follows.
func (d *dump) values() (row []any, more bool, err error) {
	if t, err := d.token(); err != nil || t.text != "(" {
		return nil, false, fmt.Errorf("want ( before the values, got %q", clip(t.text))
	}
	for {
		v, err := d.value()
		if err != nil {
			return nil, false, err
		}
		row = append(row, v)
		t, err := d.token()
		if err != nil {
			return nil, false, err
		}
		if t.text == ")" {
			break
		}
		if t.text != "," {
			return nil, false, fmt.Errorf("want , or ) behind a value, got %q", clip(t.text))
		}
	}
	if more = d.peek() == ','; more {
		_, _ = d.token()
	}
	return row, more, nil
}

// copy reads the lines behind COPY table (columns) FROM stdin;
func (d *dump) copy() error {
	columns, ok, err := d.head()
	if err == nil {
		err = d.skip()
	}
	if err != nil {
		return err
	}
	if at := strings.IndexByte(d.text[d.at:], '\n'); at >= 0 {
		d.at += at + 1
	}
	for d.at < len(d.text) {
		text, rest, _ := strings.Cut(d.text[d.at:], "\n")
		line := d.line()
		d.at = len(d.text) - len(rest)
		text = strings.TrimSuffix(text, "\r")
		if text == `\.` {
			return nil
		}
		if !ok {
			continue
		}
		var row []any
		for field := range strings.SplitSeq(text, "\t") {
			if field == `\N` {
				row = append(row, nil)
			} else {
				row = append(row, unescape(field))
			}
		}
		d.take(line, columns, row)
	}
	return fmt.Errorf(`COPY has no \. at its end: %w`, errCutOff)
}

// take adds a row of the table.
func (d *dump) take(line int, columns []string, row []any) {
	d.found = true
	where := fmt.Sprint("line ", line)
	if len(columns) != len(row) {
		d.note(where, "", "%d values for %d columns: it is of another table", len(row), len(columns))
		return
	}
	at := func(name string) any {
		if i := slices.Index(columns, name); i >= 0 {
			return row[i]
		}
		return nil
	}
	d.row(where, d.seen, []any{at("owner"), at("ident"), at("secret"), at("pubchans"), at("subchans")})
}
