package level

import (
	"errors"
	"strings"
	"testing"

	"hpfriends/graph"
	"hpfriends/internal/golden"
	"hpfriends/raftfsm/survey"
)

func answers(id string, level int) survey.Member {
	return survey.Member{ID: id, Report: survey.Report{Program: survey.Program{Version: "v1.2.3", Level: level}}}
}

func silent(id string) survey.Member { return survey.Member{ID: id, Err: errors.ErrUnsupported} }

// Each member counts by its newest word, also one that does not answer now, and after a restart of who has heard it.
func TestMembersCountByTheirNewestWord(t *testing.T) {
	var stored []byte
	writes := 0
	save := func(v []byte) error { stored, writes = v, writes+1; return nil }
	l, err := New(nil, save)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		says []survey.Member
		need int
		want string // in the refusal; empty: there is none
	}{
		{"nobody has been heard", nil, 2, "node n1 (not heard yet), n2 (not heard yet) does not know"},
		{"one tells no level", []survey.Member{answers("n1", 2), answers("n2", 0)}, 2,
			"node n2 (hpfriends v1.2.3, level 1) does not know"},
		{"what all know", nil, 1, ""},
		{"it does not answer any more", []survey.Member{answers("n1", 2), silent("n2")}, 2, "hpfriends cluster remove n2"},
		{"it is upgraded", []survey.Member{answers("n1", 2), answers("n2", 2)}, 2, ""},
		{"it does not answer", []survey.Member{answers("n1", 2), silent("n2")}, 2, ""},
		{"still more is needed", nil, 3, "level 3, which the program of node n1 (hpfriends v1.2.3, level 2), n2 (hpfriends"},
		{"it is downgraded", []survey.Member{answers("n1", 2), answers("n2", 0)}, 2, "n2"},
		{"it is a member no more", []survey.Member{answers("n1", 2)}, 2, "n2 (not heard yet)"},
	} {
		if step.says != nil {
			if err := l.Hear(step.says); err != nil {
				t.Fatal(err)
			}
		}
		for _, when := range []string{"", " and after a restart"} {
			err := l.Refuse([]string{"n1", "n2"}, step.need, "something")
			if (err != nil) != (step.want != "") || err != nil && !strings.Contains(err.Error(), step.want) {
				t.Errorf("%s%s: %v, want %q", step.name, when, err, step.want)
			}
			var refusal *graph.Error
			if err != nil && (!errors.Is(err, ErrOlder) || !errors.As(err, &refusal) || refusal.Code != graph.Conflict) {
				t.Errorf("%s%s: %v is not what it is taken for", step.name, when, err)
			}
			if l, err = New(stored, save); err != nil {
				t.Fatal(err)
			}
		}
	}
	if writes != 4 {
		t.Errorf("stored %d times, want once for each change", writes)
	}
}

// What the stable store keeps is pinned.
func TestStoredLevelsArePinned(t *testing.T) {
	var stored []byte
	l, err := New(nil, func(v []byte) error { stored = v; return nil })
	if err == nil {
		err = l.Hear([]survey.Member{answers("n1", 2), answers("n2", 0)})
	}
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "levels.json", stored)
	if _, err := New([]byte("{"), nil); err == nil {
		t.Error("what is no JSON is read")
	}
}

// What could not be stored is not gone by: after a restart the member would count by an older word.
func TestWordThatIsNotStoredDoesNotCount(t *testing.T) {
	l, err := New(nil, func([]byte) error { return errors.ErrUnsupported })
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Hear([]survey.Member{answers("n1", 2)}); err == nil {
		t.Error("the store's error is kept from the caller")
	}
	if l.Refuse([]string{"n1"}, 2, "something") == nil {
		t.Error("it counts")
	}
}
