package sqlite

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// schemaPage is where the table of tables begins (2.6).
const schemaPage = 1

// Tables returns the names of the tables.
func (d *Database) Tables() (names []string, err error) {
	for t, err := range d.tables() {
		if err != nil {
			return nil, err
		}
		names = append(names, t.name)
	}
	return names, nil
}

type table struct {
	name string
	root uint32
	sql  string // the statement that made it
}

func (d *Database) tables() iter.Seq2[table, error] {
	return func(yield func(table, error) bool) {
		for row, err := range d.scan(schemaPage) {
			if err != nil {
				yield(table{}, err)
				return
			}
			if len(row.Values) < 5 || row.Values[0] != "table" {
				continue
			}
			name, _ := row.Values[1].(string)
			root, _ := row.Values[3].(int64)
			sql, _ := row.Values[4].(string)
			if root > 0 && root <= int64(d.pages) && !yield(table{name, uint32(root), sql}, nil) {
				return
			}
		}
	}
}

// Rows yields the rows of a table with the values of these columns. It is ErrNoTable if there is no such table, and
// names in another case are the same.
func (d *Database) Rows(name string, columns ...string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		t, places, alias, err := d.find(name, columns)
		if err != nil {
			yield(Row{}, err)
			return
		}
		for row, err := range d.scan(t.root) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			values := make([]any, len(places))
			for i, at := range places {
				if at == alias {
					values[i] = row.ID
				} else if at < len(row.Values) { // columns that were added later are not in older rows
					values[i] = row.Values[at]
				}
			}
			if !yield(Row{row.ID, values}, nil) {
				return
			}
		}
	}
}

// find returns a table, where its columns are in a row, and which of them is another name of the row's id.
func (d *Database) find(name string, columns []string) (t table, places []int, alias int, err error) {
	var names []string
	for t, err = range d.tables() {
		if err != nil {
			return t, nil, 0, err
		}
		if strings.EqualFold(t.name, name) {
			break
		}
		names = append(names, t.name)
	}
	if !strings.EqualFold(t.name, name) {
		return t, nil, 0, fmt.Errorf("%w: %s; there are: %s", ErrNoTable, name, strings.Join(names, ", "))
	}
	have, alias, err := parseColumns(t.sql)
	for _, c := range columns {
		at := slices.IndexFunc(have, func(h string) bool { return strings.EqualFold(h, c) })
		if err == nil && at < 0 {
			err = fmt.Errorf("the table %s has no column %s, but %s", t.name, c, strings.Join(have, ", "))
		}
		places = append(places, at)
	}
	return t, places, alias, err
}

// parseColumns reads the names of the columns out of CREATE TABLE, and which one is the row's id: -1 if none is.
func parseColumns(sql string) (names []string, alias int, err error) {
	alias = -1
	_, body, ok := strings.Cut(sql, "(")
	end := strings.LastIndexByte(body, ')')
	if !ok || end < 0 {
		return nil, 0, fmt.Errorf("%w: a table is made by %q", ErrDamaged, clip(sql))
	}
	if strings.Contains(strings.ToUpper(body[end:]), "WITHOUT") {
		return nil, 0, fmt.Errorf("tables WITHOUT ROWID cannot be read")
	}
	for _, part := range splitTop(body[:end]) {
		words := tokens(part)
		if len(words) == 0 || slices.Contains([]string{"PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "CONSTRAINT"},
			strings.ToUpper(words[0])) && !quoted(part) {
			continue
		}
		rest := strings.ToUpper(strings.Join(words[1:], " "))
		if strings.HasPrefix(rest, "INTEGER PRIMARY KEY") && !strings.HasPrefix(rest, "INTEGER PRIMARY KEY DESC") {
			alias = len(names)
		}
		names = append(names, words[0])
	}
	return names, alias, nil
}

func quoted(part string) bool {
	part = strings.TrimSpace(part)
	return part != "" && strings.IndexByte("\"`['", part[0]) >= 0
}

func clip(s string) string { return s[:min(len(s), 80)] }

// splitTop splits at the commas that are in no parentheses, quotes or comments.
func splitTop(s string) (parts []string) {
	depth, from := 0, 0
	for i := 0; i < len(s); {
		n := lexeme(s[i:])
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, s[from:i])
				from = i + 1
			}
		}
		i += n
	}
	return append(parts, s[from:])
}

// tokens are the words of a definition, without their quotes.
func tokens(s string) (words []string) {
	for i := 0; i < len(s); {
		n := lexeme(s[i:])
		text := s[i : i+n]
		switch c := text[0]; {
		case strings.IndexByte(" \t\r\n", c) >= 0, strings.HasPrefix(text, "--"), strings.HasPrefix(text, "/*"):
		case strings.IndexByte("\"`'", c) >= 0 && n >= 2:
			words = append(words, strings.ReplaceAll(text[1:n-1], string(c)+string(c), string(c)))
		case c == '[' && n >= 2:
			words = append(words, text[1:n-1])
		default:
			words = append(words, text)
		}
		i += n
	}
	return words
}

// lexeme is how long the first word, quoted word, comment or sign of s is. s is not empty.
func lexeme(s string) int {
	until := func(end string, from int) int {
		if i := strings.Index(s[from:], end); i >= 0 {
			return from + i + len(end)
		}
		return len(s)
	}
	switch c := s[0]; {
	case strings.HasPrefix(s, "--"):
		return until("\n", 2)
	case strings.HasPrefix(s, "/*"):
		return until("*/", 2)
	case c == '[':
		return until("]", 1)
	case c == '"' || c == '`' || c == '\'':
		for i := 1; i < len(s); i++ {
			if s[i] == c {
				if i+1 == len(s) || s[i+1] != c {
					return i + 1
				}
				i++
			}
		}
		return len(s)
	}
	if n := strings.IndexAny(s, " \t\r\n(),\"`'[;"); n > 0 {
		return n
	} else if n < 0 {
		return len(s)
	}
	return 1
}
