package backup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"hpfriends/eventlog"
	"hpfriends/eventlog/block"
	"hpfriends/raftfsm/apply"
)

const (
	// blockBytes of entries, unpacked, go into one block; blockEntries if they are small.
	blockBytes   = 8 << 20
	blockEntries = 64 << 10
	partBytes    = 1 << 20 // of a snapshot
)

// Write writes the backup. between is called between two blocks, with the newest entry that is written: to rest, and to
// tell. When something goes wrong with the log, the file says so at its end, since its reader may be elsewhere.
func (s *Source) Write(ctx context.Context, w io.Writer, between func(index uint64)) error {
	out, err := newSectionWriter(w)
	if err != nil {
		return err
	}
	if err := s.write(ctx, out, between); err != nil {
		return errors.Join(err, out.section(kindFailure, []byte(err.Error())))
	}
	return nil
}

func (s *Source) write(ctx context.Context, out *sectionWriter, between func(index uint64)) error {
	if err := out.json(kindDescription, s.Description); err != nil {
		return err
	}
	if s.State != 0 {
		if err := s.snapshot(out); err != nil {
			return err
		}
	}
	var end End
	var b block.Writer
	flush := func(index uint64) error {
		if b.Len() == 0 {
			return nil
		}
		end.Blocks++
		err := out.section(kindBlock, b.Encode())
		between(index)
		return err
	}
	if s.First <= s.Last {
		err := s.view.Entries(ctx, s.First, s.Last, func(e eventlog.Stored) error {
			packed := entryOf(e)
			end.add(&packed)
			b.Add(packed)
			if b.Size() < blockBytes && b.Len() < blockEntries {
				return nil
			}
			return flush(e.Index)
		})
		if err == nil {
			err = flush(s.Last)
		}
		if err != nil {
			return err
		}
	}
	end.SHA256 = out.digest()
	return out.json(kindEnd, end)
}

// snapshot writes the state before the first entry.
func (s *Source) snapshot(out *sectionWriter) error {
	if s.state == nil {
		var state bytes.Buffer
		if err := apply.WriteControlState(&state, s.view, s.Term); err != nil {
			return err
		}
		s.state = state.Bytes()
	}
	parts := bufio.NewWriterSize(parts{out}, partBytes)
	_, err := apply.WriteSnapshot(parts, s.log, s.State, s.state)
	s.state = nil
	return errors.Join(err, parts.Flush())
}

// parts writes each piece as a section.
type parts struct{ out *sectionWriter }

func (p parts) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		n := min(len(rest), partBytes)
		if err := p.out.section(kindSnapshot, rest[:n]); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(b), nil
}

func entryOf(e eventlog.Stored) block.Entry {
	b := block.Entry{
		Index: e.Index, Term: e.Term, Type: e.Type, Hidden: e.Hidden, Extensions: e.Extensions, Data: e.Data,
	}
	if !e.Appended.IsZero() {
		b.Appended = e.Appended.UnixNano()
	}
	return b
}
