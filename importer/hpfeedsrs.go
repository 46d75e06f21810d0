package importer

import (
	"fmt"

	"hpfriends/internal/secret"
)

// HpfeedsRS reads the database of hpfeeds-rs (crates/hpfeeds-server/src/db.rs), which may be running. It has no owners.
func HpfeedsRS(path string) (Store, error) {
	var s Store
	err := readDatabase(path, func(db database) error {
		s = Store{Wildcard: true}
		places := make(map[string]int)
		for row, err := range db.rows("users", "ident", "secret") {
			if err != nil {
				return err
			}
			where := fmt.Sprint("users, row ", row.ID)
			ident, ok := row.Values[0].(string)
			plain, ok2 := row.Values[1].(string)
			if !ok || !ok2 {
				s.note(where, "", "its ident is %s and its secret %s: nobody could log in with it", describe(row.Values[0]),
					describe(row.Values[1]))
				continue
			}
			places[ident] = len(s.Keys)
			s.Keys = append(s.Keys, Key{Where: where, Ident: ident, Secret: secret.New(plain)})
		}
		for row, err := range db.rows("permissions", "ident", "channel", "can_pub", "can_sub") {
			if err != nil {
				return err
			}
			s.permission(fmt.Sprint("permissions, row ", row.ID), places, row.Values)
		}
		return nil
	})
	return s, err
}

func (s *Store) permission(where string, places map[string]int, values []any) {
	ident, ok := values[0].(string)
	channel, ok2 := values[1].(string)
	at, known := places[ident]
	if !ok || !ok2 || !known {
		s.note(where, ident, "the permission is for no user's text, or of no channel's: it has no effect")
		return
	}
	if n, _ := values[2].(int64); n != 0 {
		s.Keys[at].Pub = append(s.Keys[at].Pub, channel)
	}
	if n, _ := values[3].(int64); n != 0 {
		s.Keys[at].Sub = append(s.Keys[at].Sub, channel)
	}
}
