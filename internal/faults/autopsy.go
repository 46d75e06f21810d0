package faults

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// Findings are what the logs of stopped nodes have in common.
type Findings struct {
	Entries, Terms uint64
	Hidden         int // batches that came again or out of turn, and were refused
}

// autopsy compares the logs of stopped nodes, entry by entry: index, term, bytes, and whether it is shown to readers.
// Two leaders of one term would leave different entries with the same index and term.
func autopsy(nodes []*Node) (f Findings, faults []Fault) {
	v := verdict{checker: "C4"}
	var logs []*eventlog.Log
	for _, n := range nodes {
		log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(n.Dir, "log"), ReadOnly: true,
			Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			v.blame("the log of %s does not open: %v", n.ID, err)
			continue
		}
		defer log.Close()
		logs = append(logs, log)
	}
	if len(logs) < len(nodes) {
		return f, v.faults
	}
	// The nodes stopped one after the other: entries of housekeeping may be on the later ones only.
	floor, last := logs[0].Floor(), logs[0].Applied()
	for _, log := range logs {
		floor, last = max(floor, log.Floor()), min(last, log.Applied())
	}
	var term uint64
	for i := floor; i <= last; i++ {
		e, hidden, err := read(logs[0], i)
		if err != nil {
			v.blame("%s: %v", nodes[0].ID, err)
			return f, v.faults
		}
		if e.Term != term {
			f.Terms++
		}
		term = e.Term
		f.Entries++
		if hidden && e.Kind == entry.KindBatch {
			f.Hidden++
		}
		for k, log := range logs[1:] {
			o, other, err := read(log, i)
			if err != nil || o.Term != e.Term || !bytes.Equal(o.Data, e.Data) || other != hidden {
				v.blame("entry %d of %s is of term %d, %d bytes, hidden: %v; of %s: term %d, %d bytes, hidden: %v, %v",
					i, nodes[0].ID, e.Term, len(e.Data), hidden, nodes[k+1].ID, o.Term, len(o.Data), other, err)
				return f, v.faults
			}
		}
	}
	return f, v.faults
}

func read(log *eventlog.Log, index uint64) (e eventlog.Entry, hidden bool, err error) {
	if e, err = log.Entry(index); err != nil {
		return e, false, fmt.Errorf("entry %d: %w", index, err)
	}
	if _, err = log.Batch(index); errors.Is(err, eventlog.ErrNotBatch) {
		return e, true, nil
	}
	return e, false, err
}
