package backup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hpfriends/eventlog/block"
	"hpfriends/graph"
	"hpfriends/internal/secret"
	"hpfriends/raftfsm/restore"
)

// Restoration says what is to be made of which files.
type Restoration struct {
	Files []string // a backup that stands by itself, then those that go on from it
	Dir   string   // new; or restored already and not started since, when the first file goes on from that
	Node  string   // id of the node; empty: a fresh one
	Key   []byte   // the data key; nil: there is none
}

// Restored says what was made.
type Restored struct {
	Node   string `json:"node"`
	Index  uint64 `json:"index"` // of the newest entry that is the old log's
	Totals End    `json:"totals"`
	NoKey  bool   `json:"noKey"` // the secrets of authkeys cannot be opened
}

// Progress is told what is being done, and how far it is.
type Progress func(what string, done, total uint64)

// Restore makes a data directory. All files are verified before anything is written.
func Restore(r Restoration, tell Progress) (Restored, error) {
	chain, err := verifyChain(r.Files, tell)
	if err != nil {
		return Restored{}, err
	}
	t, err := target(r, chain[0])
	if err != nil {
		return Restored{}, err
	}
	done := Restored{Node: t.Node()}
	for i, path := range r.Files {
		if err = fill(t, path, tell); err != nil {
			break
		}
		done.Totals.Entries += chain[i].End.Entries
		done.Totals.Messages += chain[i].End.Messages
		done.Totals.Bytes += chain[i].End.Bytes
	}
	if err == nil {
		err = adopt(t, r)
	}
	if err == nil {
		end := chain[len(chain)-1]
		done.Index, done.NoKey = end.Last, t.NoKey
		err = t.Finish(end.ID, end.Cluster, end.Last, end.Term)
	}
	if err != nil {
		err = fmt.Errorf("%w: %s is of no use now: remove it, and begin again", err, r.Dir)
	}
	return done, errors.Join(err, t.Close())
}

// verifyChain verifies each file, and that each goes on from the one before.
func verifyChain(files []string, tell Progress) (chain []*Reader, err error) {
	for i, path := range files {
		b, err := verifyFile(path, tell)
		if err != nil {
			return nil, err
		}
		chain = append(chain, b)
		switch {
		case i == 0:
		case b.After == nil:
			return nil, refused("%s goes on from nothing: name one full backup, and behind it those that go on from it, "+
				"oldest first", path)
		case *b.After != chain[i-1].Base():
			return nil, refused("%s does not go on from %s (it goes on from backup %s, entry %d): name them all, oldest first",
				path, files[i-1], b.After.Backup, b.After.Index)
		}
	}
	return chain, nil
}

func verifyFile(path string, tell Progress) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := Verify(f, func(done, total uint64) { tell("entries verified", done, total) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

func target(r Restoration, first *Reader) (*restore.Target, error) {
	if first.After == nil {
		return restore.Create(r.Dir, r.Node)
	}
	t, err := restore.Continue(r.Dir)
	if err != nil {
		return nil, err
	}
	if here := (Base{t.Backup, t.Cluster, t.Index, t.Term}); here != *first.After {
		return nil, errors.Join(
			refused("%s goes on from backup %s, entry %d; %s was restored from backup %s up to entry %d: name all backups, "+
				"and a new data directory", r.Files[0], first.After.Backup, first.After.Index, r.Dir, t.Backup, t.Index),
			t.Close())
	}
	return t, t.Resume()
}

// fill brings what a file holds into the directory.
func fill(t *restore.Target, path string, tell Progress) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := NewReader(f)
	if err != nil {
		return err
	}
	p := Part{}
	if b.State != 0 {
		parts := &snapshotParts{reader: b}
		if err := t.Install(parts); err != nil {
			return err
		}
		// What the state has been read from may go on for a few bytes, its checksum.
		if _, err = io.Copy(io.Discard, parts); err == nil {
			p, err = parts.last, parts.err
		}
	} else {
		p, err = b.Next()
	}
	for ; err == nil; p, err = b.Next() {
		if err := b.Entries(p.Block, func(e *block.Entry) error { return t.Append(e) }); err != nil {
			return err
		}
		tell("entries restored", b.next-b.First, b.entries())
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// adopt stores the data key: the one that is given, that is there already, or a new one that opens no secret of before.
func adopt(t *restore.Target, r Restoration) error {
	path := filepath.Join(r.Dir, secret.KeyFile)
	_, err := os.Stat(path)
	if r.Key == nil {
		if err == nil {
			return nil
		}
		t.NoKey = true
		key := make([]byte, 32)
		rand.Read(key)
		return secret.AdoptDataKey(r.Dir, key)
	}
	if err := opens(r.Key, t.Graph()); err != nil {
		return fmt.Errorf("the data key is not the one of this backup: %w", err)
	}
	if t.NoKey {
		if err := os.Remove(path); err != nil {
			return err
		}
		t.NoKey = false
	}
	return secret.AdoptDataKey(r.Dir, r.Key)
}

// opens fails when the key opens no secret of any authkey.
func opens(key []byte, g *graph.Graph) (err error) {
	k, err := secret.NewDataKey(key)
	if err != nil {
		return err
	}
	for a := range g.Authkeys() {
		if len(a.Secret) == 0 {
			continue
		}
		if _, err = k.Open(a.Secret, []byte(a.Ident)); err == nil {
			return nil
		}
	}
	return err
}
