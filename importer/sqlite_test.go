package importer

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func readRows(path, table string, columns ...string) (all [][]any, err error) {
	err = readDatabase(path, func(db database) error {
		for row, err := range db.rows(table, columns...) {
			if err != nil {
				return err
			}
			all = append(all, row.Values)
		}
		return nil
	})
	return all, err
}

func copyOf(t *testing.T, from string, damage func([]byte)) string {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if damage != nil {
		damage(data)
	}
	path := filepath.Join(t.TempDir(), "a db?%20#")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Values are what a broker's library gives it, whatever types the columns are declared with.
func TestValuesOfADatabase(t *testing.T) {
	want := []any{nil, int64(0), int64(1), int64(-1), int64(127), int64(-128), int64(32767), int64(-32768), int64(1 << 23),
		int64(-1 << 31), int64(1 << 40), int64(-1 << 62), 1.5, "", "glöckchen", []byte("\x00\xff"), "last"}
	for _, name := range []string{"values", "utf16", "utf16be"} {
		rows, err := readRows("testdata/"+name+".db", `"odd, name"`, "[c d]")
		if err == nil || !strings.Contains(err.Error(), "there are: odd, name") {
			t.Errorf("a name in quotes: %v, %v", rows, err)
		}
		var got []any
		err = readDatabase("testdata/"+name+".db", func(db database) error {
			rows, err := db.conn.QueryContext(db.ctx, `SELECT rowid, +[c d] FROM "odd, name"`)
			for err == nil && rows.Next() {
				var r record
				r, err = scan(rows, 1)
				got = append(got, r.Values...)
			}
			return err
		})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v", name, got, err)
		}
	}
	rows, err := readRows("testdata/rs.db", "permissions", "can_pub")
	if err != nil || len(rows) != 5 || rows[0][0] != int64(1) {
		t.Errorf("a column that is declared BOOLEAN: %#v, %v", rows, err)
	}
}

// What is committed in the write-ahead log counts, what is not does not; and a frame that is damaged ends the log.
func TestWriteAheadLog(t *testing.T) {
	path := copyOf(t, "testdata/log.db", nil)
	log, err := os.ReadFile("testdata/log.db-wal")
	if err != nil {
		t.Fatal(err)
	}
	write := func() {
		t.Helper()
		if err := errors.Join(os.RemoveAll(path+"-shm"), os.WriteFile(path+"-wal", log, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write()
	for range 2 {
		rows, err := readRows(path, "authkeys", "ident")
		if err != nil || len(rows) != 1 || rows[0][0] != "committed" {
			t.Fatalf("rows %v, %v", rows, err)
		}
	}
	if after, err := os.ReadFile(path + "-wal"); err != nil || string(after) != string(log) {
		t.Errorf("the log was written: %v", err)
	}
	log[32+24+511] ^= 1 // in the text of the first page, so that nothing is committed
	write()
	if rows, err := readRows(path, "authkeys", "ident"); err == nil {
		t.Errorf("a damaged log was believed: %v", rows)
	}
}

// A database whose writers have a write-ahead log, and which none of them has open, stays alone in its directory.
func TestReadingMakesNoFiles(t *testing.T) {
	for _, version := range []byte{1, 2} {
		path := copyOf(t, "testdata/broker.db", func(b []byte) { b[18], b[19] = version, version })
		if rows, err := readRows(path, "AuthKeys", "ident"); err != nil || len(rows) != 54 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(files) != 1 {
			t.Errorf("there are %v, %v", files, err)
		}
	}
}

// A database whose last change was broken off holds half of it.
func TestHotJournalIsRefused(t *testing.T) {
	path := copyOf(t, "testdata/broker.db", nil)
	head := "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7\x00\x00\x00\x01" + strings.Repeat("\x00", 8) + "\x00\x00\x00\x10" +
		"\x00\x00\x02\x00\x00\x00\x02\x00"
	for content, want := range map[string]error{
		"":                          nil,
		strings.Repeat("\x00", 512): nil,
		head + strings.Repeat("\x00", 512-len(head)) + strings.Repeat("x", 1024): errHot,
	} {
		if err := os.WriteFile(path+"-journal", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readRows(path, "authkeys", "ident"); !errors.Is(err, want) {
			t.Errorf("journal %.20q: %v, want %v", content, err, want)
		}
	}
}

func TestWhatIsNoKeyStore(t *testing.T) {
	const broker = "testdata/broker.db"
	dir := t.TempDir()
	for _, c := range []struct{ path, table, column, want string }{
		{broker, "users", "ident", "no such table: users; there are: logs, "},
		{broker, "authkeys", "channel", "the table authkeys has no column channel; there are: id, owner, ident"},
		{dir, "authkeys", "ident", "no regular file"},
		{"sqlite_test.go", "authkeys", "ident", "it is no database of SQLite"},
		{filepath.Join(dir, "none"), "authkeys", "ident", "no such file"},
		{copyOf(t, broker, func(b []byte) { b[512*3] = 0xee }), "authkeys", "ident", "damaged, or cut short"},
	} {
		_, err := readRows(c.path, c.table, c.column)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), c.path) {
			t.Errorf("%s %s: %v, want %s", c.path, c.table, err, c.want)
		}
	}
}

// A few bytes of a file may stand for as many as there is memory, or for ever: what a column computes, and what rows
// have that are older than a column.
func TestSmallDatabasesStaySmall(t *testing.T) {
	for want, with := range map[string]string{
		"is computed": "ALTER TABLE authkeys ADD COLUMN secret TEXT AS (hex(zeroblob(8000000)))",
		"more than":   "ALTER TABLE authkeys ADD COLUMN secret TEXT DEFAULT '" + strings.Repeat("x", 1<<20) + "'",
		"too big":     "ALTER TABLE authkeys ADD COLUMN secret TEXT DEFAULT '" + strings.Repeat("x", maxValue) + "'",
	} {
		path := filepath.Join(t.TempDir(), "small.db")
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		const ids = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) "
		for _, do := range []string{
			"CREATE TABLE authkeys(ident TEXT)", ids + "INSERT INTO authkeys SELECT i FROM n", with,
		} {
			if _, err := db.ExecContext(t.Context(), do); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		err = readDatabase(path, func(db database) error {
			for _, err := range db.rows("authkeys", "ident", "secret") {
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// What the Python broker makes with --auth database+sqlite:///FILE has the same keys, and no owners.
func TestTableWithoutOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, do := range []string{
		"CREATE TABLE auth_keys(id INTEGER PRIMARY KEY, ident TEXT, secret TEXT, pubchans TEXT, subchans TEXT)",
		`INSERT INTO auth_keys VALUES (1, 'probe', 'of probe', '["a"]', '[]'), (2, 'probe', 'second', '[]', '[]')`,
	} {
		if _, err := db.ExecContext(t.Context(), do); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := SQLite(path)
	if err != nil || len(s.Keys) != 1 || len(s.Problems) != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	k := s.Keys[0]
	if k.Ident != "probe" || k.Owner != "" || k.Secret.Reveal() != "of probe" || len(k.Pub) != 1 || len(k.Sub) != 0 {
		t.Errorf("%+v", k)
	}
}

// Whatever is in a file, reading ends.
func TestDamagedDatabasesAreRefused(t *testing.T) {
	refused := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		path := copyOf(t, "testdata/broker.db", func(b []byte) {
			for range 1 + r.IntN(20) {
				page := r.IntN(len(b) / 512)
				b[page*512+r.IntN(512)/(1+r.IntN(40))] = byte(r.Uint32())
			}
		})
		if _, err := readRows(path, "authkeys", "owner", "ident", "secret", "pubchans", "subchans"); err != nil {
			refused++
		}
	}
	if refused < 100 {
		t.Error(fmt.Sprint(refused, " of 300 were refused: this test damages too little"))
	}
}
