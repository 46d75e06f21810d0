package mend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrBeside says that the keys beside a span cannot be read either, so that nothing can take its place.
var ErrBeside = errors.New("what lies beside it in the same table is damaged too")

// Store is where keys are replaced.
type Store struct {
	DB  *pebble.DB
	FS  vfs.FS
	Dir string
}

// tableName is that of the new table until Pebble takes it. Pebble ignores files of other names than its own.
const tableName = "mend.tmp"

// RemoveLeftovers removes the table that a crash has left.
func (s Store) RemoveLeftovers() error {
	err := s.FS.Remove(s.FS.PathJoin(s.Dir, tableName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Replace puts keys in the place of all that are in [lower, upper), at once and synced. write sets them, in order.
// The keys next to the span on both sides should be lower, but for its last byte, and upper: where the table holds
// others between, Pebble may have to read what is to be replaced, which ends with ErrBeside. Who reads a snapshot of
// before finds the span empty.
func (s Store) Replace(ctx context.Context, lower, upper []byte, write func(set func(k, v []byte) error) error) error {
	if err := s.besides(lower, upper); err != nil {
		return err
	}
	path := s.FS.PathJoin(s.Dir, tableName)
	if err := s.table(path, write); err != nil {
		return errors.Join(err, s.RemoveLeftovers())
	}
	_, err := s.DB.IngestAndExcise(ctx, []string{path}, nil, nil, pebble.KeyRange{Start: lower, End: upper})
	return errors.Join(err, s.RemoveLeftovers())
}

func (s Store) options() *pebble.Options {
	o := &pebble.Options{FormatMajorVersion: s.DB.FormatMajorVersion()}
	for i := range o.Levels {
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	o.EnsureDefaults()
	return o
}

// table writes the new table, synced.
func (s Store) table(path string, write func(set func(k, v []byte) error) error) error {
	f, err := s.FS.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	o := s.options()
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(f),
		o.MakeWriterOptions(len(o.Levels)-1, s.DB.TableFormat()))
	return errors.Join(write(w.Set), w.Close())
}

// besides reads the keys on both sides of a span in each table that has some of both, as Pebble will to cut the table
// there: an error of these reads it takes for "there is none", and drops that side of the table
// (determineLeftTableBounds in its excise.go looks at no error).
func (s Store) besides(lower, upper []byte) error {
	levels, err := s.DB.SSTables(pebble.WithKeyRangeFilter(lower, upper))
	if err != nil {
		return err
	}
	for _, tables := range levels {
		for i := range tables {
			t := &tables[i]
			left, right := bytes.Compare(t.Smallest.UserKey, lower) < 0, bytes.Compare(t.Largest.UserKey, upper) >= 0
			if !left && !right {
				continue
			}
			path := s.FS.PathJoin(s.Dir, fmt.Sprintf("%s.sst", t.BackingSSTNum))
			if err := s.sides(path, lower, upper, left, right); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s Store) sides(path string, lower, upper []byte, left, right bool) (err error) {
	f, err := s.FS.Open(path)
	if err != nil {
		return err
	}
	file, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	o := s.options()
	r, err := sstable.NewReader(context.Background(), file, o.MakeReaderOptions())
	if err != nil {
		return beside(errors.Join(err, file.Close()))
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	it, err := r.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		return beside(err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if left && it.SeekLT(lower, 0) == nil && it.Error() != nil {
		return beside(it.Error())
	}
	if right && it.SeekGE(upper, 0) == nil && it.Error() != nil {
		return beside(it.Error())
	}
	return nil
}

func beside(err error) error {
	if pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", ErrBeside, err)
	}
	return err
}
