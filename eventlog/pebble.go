package eventlog

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hpfriends/eventlog/ballast"
	"hpfriends/eventlog/failstop"
	"hpfriends/eventlog/layout"
	"hpfriends/eventlog/spare"
)

// formatMajorVersion is pinned: it is a one-way door, raised by a decision and never by a library upgrade. It has WAL
// sync chunks (damage in the middle of a WAL is an error for most record sizes, not a silent end), virtual tables
// (Excise) and a checksum in each table's footer.
const formatMajorVersion = pebble.FormatTableFormatV6

func (c Config) files() vfs.FS {
	if c.FS == nil {
		return vfs.Default
	}
	return c.FS
}

// open opens Pebble, and what watches over its files.
func (s *store) open(cfg Config) error {
	files := cfg.files()
	if !cfg.ReadOnly {
		if err := files.MkdirAll(cfg.Dir, 0o700); err != nil {
			return fmt.Errorf("create directory: %w", err)
		}
	}
	if err := checkFormat(cfg.Dir, files); err != nil {
		return err
	}
	opts := pebbleOptions(cfg, s.failure)
	opts.MemTableSize = spare.MemTable(files, cfg.Dir)
	s.spare = spare.New(files, cfg.Dir)
	opts.FS, opts.Cleaner = s.spare, spare.Cleaner
	onDisk := vfs.Root(files) == vfs.Default
	if onDisk && !cfg.ReadOnly {
		s.ballast = ballast.New(files, cfg.Dir)
		opts.FS = vfs.OnDiskFull(opts.FS, s.ballast.Drop)
	}
	if onDisk {
		opts.WithFSDefaults() // Pebble adds its watch over the disk only to its own FS
	}
	db, err := pebble.Open(cfg.Dir, opts)
	if errors.Is(err, syscall.EAGAIN) || err != nil && err.Error() == lockedHere {
		return ErrInUse
	}
	s.DB = db
	return err
}

// What Pebble says, and has no value to compare with.
const (
	lockedHere    = "lock held by current process"
	formatUnknown = "unknown format major version"
)

// checkFormat refuses a store of a format that this program does not write, before anything is changed.
func checkFormat(dir string, fs vfs.FS) error {
	store, err := pebble.Peek(dir, fs)
	switch {
	case err != nil && strings.Contains(err.Error(), formatUnknown):
		return fmt.Errorf("%w: %w", ErrNewer, err)
	case err == nil && store.Exists && store.FormatMajorVersion > formatMajorVersion:
		return fmt.Errorf("%w (format %d, this version knows %d)", ErrNewer, store.FormatMajorVersion, formatMajorVersion)
	}
	return nil // other errors are Open's
}

func pebbleOptions(cfg Config, failure *failstop.Stop) *pebble.Options {
	lower, upper := layout.SpanBounds(layout.SpanEntry)
	opts := &pebble.Options{
		ReadOnly:           cfg.ReadOnly,
		FormatMajorVersion: formatMajorVersion,
		Logger:             failure,
		EventListener:      failure.Listener(),
		CacheSize:          cfg.CacheBytes,

		MemTableStopWritesThreshold: 4,
		L0StopWritesThreshold:       100,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 3 },
		MaxOpenFiles:                cfg.OpenFiles,
		WALBytesPerSync:             0, // every append is synced
		BytesPerSync:                1 << 20,
		TargetByteDeletionRate:      128 << 20,
	}
	// Entries are compressed before they are replicated; index keys share prefixes, which the block format stores once.
	for i := range opts.Levels {
		opts.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	// Entries get tables of their own: they are big, written once and never rewritten, and moving them down the levels
	// is then a rename. (Write amplification 4.0 without, 3.1 with.)
	opts.Experimental.SpanPolicyFunc = pebble.MakeStaticSpanPolicyFunc(
		pebble.DefaultComparer.Compare,
		pebble.KeyRange{Start: lower, End: upper},
		pebble.SpanPolicy{ValueStoragePolicy: pebble.ValueStorageLowReadLatency},
	)
	return opts
}
