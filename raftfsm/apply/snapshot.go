package apply

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"hpfriends/eventlog"
)

// A snapshot is what a node gets in place of entries that are not kept any more:
//
//	magic "hpfsnap1" | index u64 | length u64 | control state | records of the audit and the stored graph
//	| 0 | SHA-256 of all before
const snapshotMagic = "hpfsnap1"

// maxControlState bounds what is read into memory at once.
const maxControlState = 1 << 30

// WriteSnapshot writes the snapshot of an entry whose control state is given, with the audit and a stored graph of log,
// and returns its size.
func WriteSnapshot(w io.Writer, log *eventlog.Log, index uint64, state []byte) (int64, error) {
	sum := sha256.New()
	size := new(counter)
	b := bufio.NewWriterSize(io.MultiWriter(w, sum, size), 256<<10)
	b.WriteString(snapshotMagic)
	b.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, index), uint64(len(state))))
	b.Write(state)
	if err := log.Scan(eventlog.SpaceAudit, nil, eventlog.IndexKey(index+1),
		recorder(b, eventlog.SpaceAudit)); err != nil {
		return 0, err
	}
	if err := writeGraph(b, log, index); err != nil {
		return 0, err
	}
	b.WriteByte(0)
	if err := b.Flush(); err != nil { // it keeps the first error
		return 0, err
	}
	n, err := w.Write(sum.Sum(nil))
	return int64(*size) + int64(n), err
}

// writeGraph writes the newest stored graph up to index: it saves the receiver from replaying all changes.
func writeGraph(w io.Writer, log *eventlog.Log, index uint64) error {
	all, err := log.StoredGraphs().List()
	if err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Index <= index {
			return log.StoredGraphs().Scan(all[i], recorder(w, eventlog.SpaceGraph))
		}
	}
	return nil
}

type counter int64

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

func readSnapshotHead(r io.Reader) (index uint64, state []byte, err error) {
	head := make([]byte, len(snapshotMagic)+16)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	if string(head[:len(snapshotMagic)]) != snapshotMagic {
		return 0, nil, fmt.Errorf("apply: the snapshot begins with %q: this node runs an older program than its leader",
			head[:len(snapshotMagic)])
	}
	index = binary.BigEndian.Uint64(head[len(snapshotMagic):])
	n := binary.BigEndian.Uint64(head[len(snapshotMagic)+8:])
	if n > maxControlState {
		return 0, nil, fmt.Errorf("%w: %d bytes", errControlState, n)
	}
	state = make([]byte, n)
	_, err = io.ReadFull(r, state)
	return index, state, err
}

// readSnapshotRecords reads records up to the 0 that ends them.
func readSnapshotRecords(r *bufio.Reader, put func(space eventlog.Space, k, v []byte) error) error {
	for {
		switch next, err := r.Peek(1); {
		case err != nil:
			return err
		case next[0] == 0:
			return nil
		}
		space, k, v, err := readRecord(r)
		if err != nil {
			return err
		}
		if space != eventlog.SpaceAudit && space != eventlog.SpaceGraph {
			return fmt.Errorf("%w: a record of space %q", errControlState, space)
		}
		if err := put(space, k, v); err != nil {
			return err
		}
	}
}
