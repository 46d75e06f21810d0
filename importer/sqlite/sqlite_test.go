package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func open(t testing.TB, path string) *Database {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func rows(t testing.TB, d *Database, table string, columns ...string) (all [][]any) {
	t.Helper()
	for row, err := range d.Rows(table, columns...) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row.Values)
	}
	return all
}

// Rows come in their order, from all pages of a tree, and with what is on overflow pages.
func TestRowsOfManyPages(t *testing.T) {
	var want [][]any
	for i := range int64(61) {
		if i%10 != 0 {
			want = append(want, []any{"ident" + fmt.Sprint(i), i, strings.Repeat("s", int(i*i%1300))})
		}
	}
	got := rows(t, open(t, "testdata/broker.db"), "AuthKeys", "IDENT", "id", "secret")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d rows: %.200v", len(got), got)
	}
}

// Each value is what the library was given, whatever the encoding and however the columns are written.
func TestValues(t *testing.T) {
	want := []any{nil, int64(0), int64(1), int64(-1), int64(127), int64(-128), int64(32767), int64(-32768), int64(1 << 23),
		int64(-1 << 31), int64(1 << 40), int64(-1 << 62), 1.5, "", "glöckchen", []byte("\x00\xff"), "last"}
	for _, name := range []string{"values", "utf16", "utf16be"} {
		got := rows(t, open(t, "testdata/"+name+".db"), "odd, name", "later", "c d", "a (b)")
		if len(got) != len(want) {
			t.Fatalf("%s: %d rows", name, len(got))
		}
		for i, row := range got {
			later := any(nil)
			if i == len(want)-1 {
				later = "added"
			}
			if !reflect.DeepEqual(row, []any{later, want[i], ",)"}) {
				t.Errorf("%s: row %d is %#v, want %#v", name, i+1, row, want[i])
			}
		}
	}
}

// What is committed in the write-ahead log counts, what is not does not; and a frame that is damaged ends the log.
func TestWriteAheadLog(t *testing.T) {
	got := rows(t, open(t, "testdata/log.db"), "authkeys", "ident")
	if len(got) != 1 || got[0][0] != "committed" {
		t.Fatalf("rows %v", got)
	}
	path := copyOf(t, "testdata/log.db", nil)
	log, err := os.ReadFile("testdata/log.db-wal")
	if err != nil {
		t.Fatal(err)
	}
	log[walHeader+frameHeader+511] ^= 1 // in the text of the first page, so that nothing is committed
	if err := os.WriteFile(path+"-wal", log, 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err := Open(path); err == nil {
		if tables, err := d.Tables(); len(tables) > 0 {
			t.Errorf("a damaged log was believed: %v, %v", tables, err)
		}
	}
}

// Rows that refer to the same overflow pages are together no larger than the file.
func TestRowsAreBoundedByTheFile(t *testing.T) {
	w := walk{Database: open(t, "testdata/broker.db"), left: 1000}
	for range 2 {
		if _, err := w.payload(make([]byte, 512), 400); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.payload(make([]byte, 512), 400); !errors.Is(err, ErrDamaged) {
		t.Errorf("1,200 bytes of rows in a file of 1,000: %v", err)
	}
}

// A page that is its own child has no end.
func TestPagesInACircleAreRefused(t *testing.T) {
	d := open(t, "testdata/broker.db")
	authkeys, _, _, err := d.find("authkeys", nil)
	if err != nil {
		t.Fatal(err)
	}
	path := copyOf(t, "testdata/broker.db", func(b []byte) {
		page := b[512*(authkeys.root-1):]
		if page[0] != interior {
			t.Fatalf("the table begins with a page of kind %d: this test needs one with children", page[0])
		}
		binary.BigEndian.PutUint32(page[8:], authkeys.root)
	})
	if err := readAll(path); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "circle") {
		t.Errorf("a circle: %v", err)
	}
}

// A commit between opening and the end of reading is noticed.
func TestChangedWhileReading(t *testing.T) {
	path := copyOf(t, "testdata/log.db", nil)
	log, err := os.ReadFile("testdata/log.db-wal")
	if err != nil {
		t.Fatal(err)
	}
	write := func(to []byte) {
		if err := os.WriteFile(path+"-wal", to, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(log)
	d := open(t, path)
	if changed, err := d.Changed(); changed || err != nil {
		t.Errorf("nothing has changed: %v, %v", changed, err)
	}
	write(nil)
	if changed, err := d.Changed(); !changed || err != nil {
		t.Errorf("the log has gone: %v, %v", changed, err)
	}
}

func copyOf(t testing.TB, from string, damage func([]byte)) string {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if damage != nil {
		damage(data)
	}
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A database whose last change was broken off holds half of it.
func TestHotJournalIsRefused(t *testing.T) {
	path := copyOf(t, "testdata/broker.db", nil)
	for content, want := range map[string]error{
		"":                                    nil,
		strings.Repeat("\x00", 512):           nil,
		"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7...": ErrHot,
	} {
		if err := os.WriteFile(path+"-journal", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(path)
		if !errors.Is(err, want) {
			t.Errorf("journal %q: %v, want %v", content, err, want)
		}
		if err == nil {
			_ = d.Close()
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	d := open(t, "testdata/broker.db")
	for _, err := range d.Rows("users", "ident") {
		if !errors.Is(err, ErrNoTable) || !strings.Contains(err.Error(), "authkeys") {
			t.Errorf("no such table: %v", err)
		}
	}
	for _, err := range d.Rows("authkeys", "channel") {
		if err == nil || !strings.Contains(err.Error(), "no column channel, but id, owner, ident") {
			t.Errorf("no such column: %v", err)
		}
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := Open("sqlite_test.go"); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("a text: %v", err)
	}
}

// Whatever is in a file, reading ends, and damage is called so.
func TestDamagedFilesAreRefused(t *testing.T) {
	refused := 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 1))
		path := copyOf(t, "testdata/broker.db", func(b []byte) {
			for range 1 + r.IntN(20) {
				page := r.IntN(len(b) / 512)
				b[page*512+r.IntN(512)/(1+r.IntN(40))] = byte(r.Uint32())
			}
		})
		if readAll(path) != nil {
			refused++
		}
		_ = os.Remove(path)
	}
	if refused < 500 {
		t.Errorf("%d of 1500 were refused: this test damages too little", refused)
	}
}

func readAll(path string) error {
	d, err := Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	tables, err := d.Tables()
	for _, name := range tables {
		for _, e := range d.Rows(name) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func FuzzDatabase(f *testing.F) {
	for _, name := range []string{"broker", "values", "utf16", "log"} {
		data, err := os.ReadFile("testdata/" + name + ".db")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = readAll(path)
	})
}
