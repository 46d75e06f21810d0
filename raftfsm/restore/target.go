package restore

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/block"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/store"
)

// Target is a data directory that is being filled.
type Target struct {
	Mark
	dir    string
	node   string
	stable *store.Stable
	log    *eventlog.Log
	fsm    *apply.FSM
	failed error // of the FSM
	waits  []*raft.Log
	size   int
}

const (
	// appended at once are so many entries, or so many bytes: each append is synced.
	appendEntries = 1024
	appendBytes   = 4 << 20
)

// Create begins with a directory that is empty, or not there. The node gets an id of its own if node is empty.
func Create(dir, node string) (*Target, error) {
	files, err := os.ReadDir(dir)
	if err == nil && len(files) > 0 {
		if _, err := Read(dir); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("restore: %s is not empty: name a new data directory", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	t := &Target{dir: dir, node: cmp.Or(node, "node-"+randomHex(4)), Mark: Mark{Begun: time.Now().UTC()}}
	if err := t.Mark.write(dir); err != nil {
		return nil, err
	}
	return t, t.open()
}

// Continue goes on with a directory that was restored and on which no server has run since.
func Continue(dir string) (*Target, error) {
	m, err := Read(dir)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("restore: %s was not restored from a backup: name the full backup, too, and a new data "+
			"directory", dir)
	}
	t := &Target{dir: dir, Mark: *m}
	if err := t.open(); err != nil {
		return nil, err
	}
	if err := t.unused(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func (t *Target) open() (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	if t.stable, err = store.OpenStable(t.dir); err != nil {
		return err
	}
	t.log, err = eventlog.Open(eventlog.Config{Dir: filepath.Join(t.dir, "log"), Logger: slog.New(slog.DiscardHandler),
		Fatal: func(err error) {
			fmt.Fprintf(os.Stderr, "hpfriends: %v: remove %s, and begin again\n", err, t.dir)
			os.Exit(1)
		}})
	if err != nil {
		return err
	}
	t.fsm, err = apply.New(t.log, slog.New(slog.DiscardHandler), func(err error) { t.failed = err })
	return err
}

// unused fails unless what Finish has added is all that has happened since.
func (t *Target) unused() (err error) {
	current, errTerm := t.stable.CurrentTerm()
	node, errNode := t.stable.Stored("node")
	if err := errors.Join(errTerm, errNode); err != nil {
		return err
	}
	last, term := t.log.Last()
	if current != t.Term+1 || term != current || last != t.Index+1 || t.log.Applied() != t.Index {
		return fmt.Errorf("restore: a server has run on %s since it was restored (it is at entry %d of term %d, the backup "+
			"ended with %d of term %d): restore all backups into a new data directory", t.dir, last, current, t.Index, t.Term)
	}
	t.node = node
	return nil
}

// Resume takes back what Finish has added to a directory to Continue with. Before it, nothing was changed.
func (t *Target) Resume() error {
	t.Finished = false
	if err := t.Mark.write(t.dir); err != nil {
		return err
	}
	if err := t.stable.LowerHighWater(t.Index, t.Term); err != nil {
		return err
	}
	return t.log.LogStore().DeleteRange(t.Index+1, t.Index+1)
}

// Install begins with the state of an entry, as apply.WriteSnapshot writes it.
func (t *Target) Install(r io.Reader) error {
	if err := t.fsm.Restore(io.NopCloser(r)); err != nil {
		return err
	}
	t.Index = t.log.Applied()
	return t.failed
}

// Append appends the next entry, and applies it soon.
func (t *Target) Append(e *block.Entry) error {
	l := &raft.Log{Index: e.Index, Term: e.Term, Type: raft.LogType(e.Type), Extensions: e.Extensions, Data: e.Bytes()}
	if e.Appended != 0 {
		l.AppendedAt = time.Unix(0, e.Appended).UTC()
	}
	t.waits = append(t.waits, l)
	t.size += len(l.Data)
	// The FSM pins the state at each checkpoint, for one to come and take it.
	checkpoint := l.Type == raft.LogCommand && len(l.Data) > 0 && entry.Kind(l.Data[0]) == entry.KindCheckpoint
	if !checkpoint && len(t.waits) < appendEntries && t.size < appendBytes {
		return nil
	}
	return t.apply()
}

func (t *Target) apply() error {
	if len(t.waits) == 0 {
		return nil
	}
	if err := t.log.LogStore().StoreLogs(t.waits); err != nil {
		return err
	}
	t.fsm.ApplyBatch(t.waits)
	if t.failed != nil {
		return t.failed
	}
	t.Index, t.Term = t.waits[len(t.waits)-1].Index, t.waits[len(t.waits)-1].Term
	t.waits, t.size = t.waits[:0], 0
	return t.keep()
}

// keep stores the checkpoints that are to be kept, as a node does.
func (t *Target) keep() (err error) {
	for {
		select {
		case p := <-t.fsm.Pins():
			if p.Kept && err == nil {
				err = p.Keep(t.log)
			}
			err = errors.Join(err, p.View.Close())
		default:
			return err
		}
	}
}

// Finish makes the node the only member of a new cluster, in a new term: raft finds the configuration at the start and
// goes on from there. index and term are the end of the backup.
func (t *Target) Finish(backup, cluster string, index, term uint64) error {
	if err := t.apply(); err != nil {
		return err
	}
	if applied := t.log.Applied(); applied != index {
		return fmt.Errorf("restore: entry %d is the newest, want %d", applied, index)
	}
	got, err := t.log.Term(index)
	if err != nil {
		return err
	}
	if got != term {
		return fmt.Errorf("restore: entry %d is of term %d, want %d", index, got, term)
	}
	_, errNode := t.stable.Identity("node", t.node)
	_, errCluster := t.stable.Identity("cluster", randomHex(16))
	if err := errors.Join(errNode, errCluster, t.stable.SetUint64(store.KeyCurrentTerm, term+1)); err != nil {
		return err
	}
	self := raft.Server{ID: raft.ServerID(t.node), Address: raft.ServerAddress(t.node)}
	data := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{self}})
	err = t.log.LogStore().StoreLog(&raft.Log{Index: index + 1, Term: term + 1, Type: raft.LogConfiguration, Data: data})
	if err == nil {
		err = t.stable.SetHighWater(index+1, term+1)
	}
	if err = errors.Join(err, t.Close()); err != nil {
		return err
	}
	t.Finished, t.Backup, t.Cluster, t.Index, t.Term = true, backup, cluster, index, term
	return t.Mark.write(t.dir)
}

// Graph is the newest graph.
func (t *Target) Graph() *graph.Graph { return t.fsm.Version().Graph }

// Node is the id that the node has.
func (t *Target) Node() string { return t.node }

// Close releases the files. It may be called again.
func (t *Target) Close() (err error) {
	if t.fsm != nil {
		t.fsm.Close()
	}
	if t.log != nil {
		err = t.log.Close()
	}
	if t.stable != nil {
		err = errors.Join(err, t.stable.Close())
	}
	t.fsm, t.log, t.stable = nil, nil, nil
	return err
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
