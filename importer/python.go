package importer

import (
	"fmt"

	"hpfriends/internal/secret"
)

// SQLite reads the database of the Python broker (hpfeeds 3.1.0, hpfeeds/broker/auth/sqlite.py), which may be running:
// also that of --auth database+sqlite, whose table auth_keys names no owners.
func SQLite(path string) (Store, error) {
	var s Store
	err := readDatabase(path, func(db database) error {
		seen := make(map[string]string)
		table, columns := "authkeys", []string{"owner", "ident", "secret", "pubchans", "subchans"}
		if db.have(table, columns) != nil && db.have("auth_keys", columns[1:]) == nil {
			table, columns = "auth_keys", columns[1:]
		}
		for row, err := range db.rows(table, columns...) {
			if err != nil {
				return err
			}
			if len(columns) < 5 {
				row.Values = append([]any{nil}, row.Values...)
			}
			s.row(fmt.Sprint("row ", row.ID), seen, row.Values)
		}
		return nil
	})
	return s, err
}

// row takes a row with the columns owner, ident, secret, publish and subscribe. seen is where each ident was seen: the
// broker takes the first row of an ident and never finds another.
func (s *Store) row(where string, seen map[string]string, values []any) {
	ident, ok := values[1].(string)
	if !ok {
		s.note(where, "", "its ident is %s, as which nobody can log in", describe(values[1]))
		return
	}
	if first, again := seen[ident]; again {
		s.note(where, ident, "%s has this ident, too, and comes first: the broker never finds this one", first)
		return
	}
	seen[ident] = where
	plain, ok := values[2].(string)
	if !ok {
		s.note(where, ident, "its secret is %s: nobody could log in with it", describe(values[2]))
		return
	}
	pub, err := parseList("pubchans", values[3])
	var sub channelList
	if err == nil {
		sub, err = parseList("subchans", values[4])
	}
	if err != nil {
		s.note(where, ident, "%v: nobody could log in with it", err)
		return
	}
	owner, _ := values[0].(string)
	s.Keys = append(s.Keys, Key{where, ident, owner, secret.New(plain), pub, sub})
}
