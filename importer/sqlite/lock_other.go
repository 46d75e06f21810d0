//go:build !unix

package sqlite

import "os"

// Without the locks of SQLite on this system a database is read as if nobody was writing it, and one with a journal is
// refused.
func lock(*os.File) error { return nil }

func reserved(*os.File) (bool, error) { return false, nil }
