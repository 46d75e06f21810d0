package backup

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"hpfriends/eventlog"
)

// Request says what is to be written.
type Request struct {
	NoHistory bool
	After     *Base // goes on from there; nil: everything
}

// Origin says whose log it is.
type Origin struct{ Cluster, Node, Program string }

// ErrRefused is the error of a request that this log cannot serve.
var ErrRefused = errors.New("backup")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Source is one moment of a log, from which a backup is written. It is closed soon: meanwhile no space is given back.
type Source struct {
	Description
	log   *eventlog.Log
	view  *eventlog.View
	state []byte // control state of the entry State; nil: of the view itself
}

// Open takes the moment. The error is an ErrRefused when the log does not have what is asked for.
func Open(log *eventlog.Log, o Origin, r Request) (*Source, error) {
	s := &Source{log: log}
	s.Description = Description{
		Format: format, ID: newID(), Cluster: o.Cluster, Node: o.Node, Program: o.Program,
		Made: time.Now().UTC().Truncate(time.Millisecond), After: r.After,
	}
	err := s.open(r)
	if err == nil {
		s.Floor, s.Last = s.view.Floor, s.view.Applied
		s.Term, err = log.Term(s.Last)
	}
	if err == nil {
		err = s.begin(r)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open reads the checkpoint behind which the retained log goes on before it takes the view, so that the view has all
// entries behind it; the floor may pass it in between.
func (s *Source) open(r Request) (err error) {
	for {
		if s.log.Floor() > 1 && !r.NoHistory && r.After == nil {
			if s.State, err = s.log.Checkpoints().ForFloor(); errors.Is(err, eventlog.ErrNotFound) {
				return refused("the log begins with entry %d, and no checkpoint goes with it yet: a running server makes one "+
					"within seconds; or back up the state alone, with --no-history", s.log.Floor())
			}
			if err == nil {
				s.state, err = s.log.Checkpoints().Data(s.State)
			}
			if errors.Is(err, eventlog.ErrNotFound) {
				continue // the floor has just passed it
			}
			if err != nil {
				return err
			}
		}
		if s.view, err = s.log.View(); err != nil {
			return err
		}
		if r.NoHistory || r.After != nil || s.view.Floor <= s.State+1 {
			return nil
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
}

// begin decides which entries are in it.
func (s *Source) begin(r Request) error {
	switch {
	case s.Last == 0:
		return refused("nothing has happened in this log: there is nothing to back up")
	case r.After != nil:
		return s.goOn(*r.After)
	case r.NoHistory:
		s.State = s.Last
	}
	s.First = s.State + 1
	return nil
}

// goOn checks that the log is the one of the older backup, and still has what comes after it.
func (s *Source) goOn(b Base) error {
	const full = ": make a backup without --after"
	switch {
	case b.Cluster != s.Cluster:
		return refused("the older backup is of cluster %s, this is %s"+full, b.Cluster, s.Cluster)
	case b.Index > s.Last:
		return refused("the older backup goes up to entry %d, this node has applied %d: ask another node, or wait",
			b.Index, s.Last)
	case b.Index+1 < s.Floor:
		return refused("the older backup ends with entry %d, and the log begins with %d by now"+full, b.Index, s.Floor)
	}
	term, err := s.log.Term(b.Index)
	if err != nil {
		return err
	}
	if term != b.Term {
		return refused("entry %d is of term %d, in the older backup of term %d: they are not of one history"+full,
			b.Index, term, b.Term)
	}
	s.First = b.Index + 1
	return nil
}

// Left is what of the retained log is not in it, since the state before it is not kept any more: entries from first to
// last, if first is not 0.
func (d *Description) Left() (first, last uint64) {
	if d.State < d.Floor || d.State == d.Last {
		return 0, 0
	}
	return d.Floor, d.State
}

// Close ends the moment.
func (s *Source) Close() error {
	if s.view == nil {
		return nil
	}
	err := s.view.Close()
	s.view = nil
	return err
}

func newID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}
