// Package level remembers which entries the members of a cluster know, and refuses what one of them does not: it would
// stop there.
//
// Members tell their level in their reports, see apply.Level. A member that does not answer counts with what it told
// last, also after a restart of this node; one that has never answered, and one whose program tells none, with the
// first.
//
// # Invariant
//
// What Refuse lets pass is known to each of the members that it is given, by the member's own newest word.
//
// # Concurrency
//
// All methods may be called from any goroutine.
package level

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"hpfriends/graph"
	"hpfriends/raftfsm/survey"
)

// ErrOlder is what every refusal is: it ends when the members that it names are upgraded, or are members no more.
var ErrOlder = errors.New("level: a member runs an older program")

// Levels are those of the members.
type Levels struct {
	save func([]byte) error

	mu    sync.Mutex
	heard map[string]told // by the id of the member
}

// told is what a member has said last.
type told struct {
	Level   int    `json:"level"`
	Version string `json:"version"` // of its program
}

// New returns the levels that were stored last; nil: none. save stores them durably.
func New(stored []byte, save func([]byte) error) (*Levels, error) {
	l := &Levels{save: save, heard: make(map[string]told)}
	if stored == nil {
		return l, nil
	}
	if err := json.Unmarshal(stored, &l.heard); err != nil {
		return nil, fmt.Errorf("level: what the members know: %w", err)
	}
	return l, nil
}

// Hear takes note of what all members say. Who is none any more is forgotten. It stores what is new.
func (l *Levels) Hear(all []survey.Member) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := make(map[string]told, len(all))
	for _, m := range all {
		if m.Err == nil {
			next[m.ID] = told{m.Report.Knows(), m.Report.Version}
		} else if before, ok := l.heard[m.ID]; ok {
			next[m.ID] = before
		}
	}
	if maps.Equal(next, l.heard) {
		return nil
	}
	data, err := json.Marshal(next)
	if err == nil {
		err = l.save(data)
	}
	if err == nil {
		l.heard = next
	}
	return err
}

// Refuse returns a *graph.Error that is ErrOlder when one of the members does not know what is of a level.
func (l *Levels) Refuse(members []string, need int, what string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lacking []string
	last := ""
	for _, id := range members {
		t, ok := l.heard[id]
		if ok && t.Level >= need {
			continue
		}
		says := "not heard yet"
		if ok {
			says = fmt.Sprintf("hpfriends %s, level %d", t.Version, t.Level)
		}
		lacking, last = append(lacking, fmt.Sprintf("%s (%s)", id, says)), id
	}
	if len(lacking) == 0 {
		return nil
	}
	return &refusal{graph.Error{
		Code: graph.Conflict,
		Msg: fmt.Sprintf("%s: level %d, which the program of node %s does not know: it would stop", what, need,
			strings.Join(lacking, ", ")),
		Hint: "upgrade all nodes; one that does not come back: hpfriends cluster remove " + last,
	}}
}

// refusal is a *graph.Error and ErrOlder.
type refusal struct{ refused graph.Error }

func (r *refusal) Error() string { return r.refused.Error() }

// Unwrap makes errors.Is and errors.As find both.
func (r *refusal) Unwrap() []error { return []error{&r.refused, ErrOlder} }
