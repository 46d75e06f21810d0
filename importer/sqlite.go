package importer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// errHot is the error of a database whose last writer died in the middle of a change. To roll that back is to write.
var errHot = errors.New("the last change of the database was broken off: open it once with what writes it, or with " +
	"sqlite3, which rolls the change back")

// database is a moment of an SQLite database, which another program may be writing.
type database struct {
	conn *sql.Conn
	ctx  context.Context
}

// record is a row of a table. A value is nil, int64, float64, string, or []byte for a blob, and for text that is not
// UTF-8, as which no broker reads it.
type record struct {
	ID     int64
	Values []any
}

// readDatabase has read see one moment of a database. Nothing is written, but that a write-ahead log, if there is one,
// has a file of shared memory beside it.
func readDatabase(path string, read func(database) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", path, advised(err))
		}
	}()
	address, err := addressOf(path)
	if err != nil {
		return err
	}
	ctx := context.Background()
	db, err := sql.Open("sqlite", address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := sqlite.Limit(conn, sqlite3.SQLITE_LIMIT_LENGTH, maxValue); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	return read(database{conn, ctx})
}

// addressOf opens for reading, and without any locks if nobody has the database open: of one whose writers have a
// write-ahead log, SQLite would otherwise make that log's files anew.
func addressOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		return "", err
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "trusted_schema(0)", "cell_size_check(1)"}}
	idle, err := idleLog(path)
	if err != nil {
		return "", err
	}
	if idle {
		q.Set("immutable", "1")
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String(), nil
}

// idleLog reports whether the writers of a database have a write-ahead log, and none is there.
func idleLog(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	header := make([]byte, 20)
	n, _ := f.ReadAt(header, 0)
	if err := f.Close(); err != nil || n < len(header) || header[19] != 2 {
		return false, err
	}
	_, err = os.Stat(path + "-wal")
	return errors.Is(err, fs.ErrNotExist), nil
}

// advised says what to do about an error of SQLite.
func advised(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff { // whatever the finer code
	case sqlite3.SQLITE_NOTADB:
		return errors.New("it is no database of SQLite")
	case sqlite3.SQLITE_CORRUPT:
		return errors.New("the database is damaged, or cut short: copy it anew, with sqlite3 FILE '.backup COPY' if its " +
			"broker runs")
	}
	switch e.Code() {
	case sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY:
		return errHot
	case sqlite3.SQLITE_BUSY:
		return errors.New("the database is being written: try again")
	case sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("%w: a database with a write-ahead log is read where its directory can be written: copy both files",
			err)
	default:
		return err
	}
}

// maxValue is how large a value may be, and a row: ten thousand channels. All together they are at most maxText.
const maxValue = 16 << 20

// rows yields the rows of a table, in their order, with these columns. The names are the caller's, never a file's.
func (d database) rows(table string, columns ...string) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		if err := d.have(table, columns); err != nil {
			yield(record{}, err)
			return
		}
		// The plus sign keeps the type that a column is declared with from changing its values.
		query := "SELECT rowid, +" + strings.Join(columns, ", +") + " FROM main." + table + " ORDER BY rowid"
		rows, err := d.conn.QueryContext(d.ctx, query)
		if err != nil {
			yield(record{}, err)
			return
		}
		defer rows.Close()
		size := 0
		for rows.Next() {
			r, err := scan(rows, len(columns))
			if size += r.size(); size > maxText && err == nil { // a few bytes say what each row of a large table has
				err = fmt.Errorf("the table %s has more than %d bytes", table, maxText)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(record{}, err)
		}
	}
}

func scan(rows *sql.Rows, columns int) (r record, err error) {
	r.Values = make([]any, columns)
	into := []any{&r.ID}
	for i := range r.Values {
		into = append(into, &r.Values[i])
	}
	err = rows.Scan(into...)
	for i, v := range r.Values {
		if s, ok := v.(string); ok && !utf8.ValidString(s) {
			r.Values[i] = []byte(s)
		}
	}
	return r, err
}

// size is what the values of a row take.
func (r record) size() (n int) {
	for _, v := range r.Values {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
		n += 16
	}
	return n
}

// have refuses what is no table, or lacks a column: the query of a view is the file's, and may never end. So may what a
// column computes.
func (d database) have(table string, columns []string) error {
	rows, err := d.conn.QueryContext(d.ctx, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	found := ""
	for found == "" && rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return err
		}
		if strings.EqualFold(name, table) && strings.HasPrefix(strings.ToUpper(text), "CREATE TABLE") {
			found = name
		}
		names = append(names, name)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	if found != "" {
		return errors.Join(d.plain(found), d.columns(found, columns))
	}
	return fmt.Errorf("no such table: %s; there are: %s", table, someNames(names))
}

// columns refuses a table that lacks one of the columns.
func (d database) columns(table string, want []string) error {
	rows, err := d.conn.QueryContext(d.ctx, "SELECT lower(name) FROM pragma_table_info(?)", table)
	if err != nil {
		return err
	}
	defer rows.Close()
	var have []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		have = append(have, name)
	}
	for _, name := range want {
		if !slices.Contains(have, name) {
			return fmt.Errorf("the table %s has no column %s; there are: %s", table, name, someNames(have))
		}
	}
	return rows.Err()
}

// someNames is the beginning of a list, which is the file's.
func someNames(names []string) string {
	const most = 20
	if len(names) == 0 {
		return "none"
	}
	if n := len(names); n > most {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("%d more", n-most))
	}
	for i, name := range names {
		names[i] = clip(name)
	}
	return strings.Join(names, ", ")
}

// plain refuses a table with columns that are computed.
func (d database) plain(table string) error {
	const generated = "SELECT count(*) FROM pragma_table_xinfo(?) WHERE hidden IN (2, 3)"
	var n int
	if err := d.conn.QueryRowContext(d.ctx, generated, table).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("the table %s has a column that is computed from others: that is no key store", table)
	}
	return nil
}
