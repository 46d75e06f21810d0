package apply

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/internal/golden"
)

// TestLevelsArePinned pins which level knows which kinds of entries, operations and arguments. What is new here is not
// known to the programs that were, so Level has to rise with it: see Level.
func TestLevelsArePinned(t *testing.T) {
	seen := map[string]bool{}
	most := 0
	note := func(data []byte, arguments string) {
		level, what := Needs(data)
		most = max(most, level)
		seen[fmt.Sprintf("%s%s: %d\n", what, arguments, level)] = true
	}
	for kind := range entry.Kinds() {
		if kind != entry.KindChange {
			note([]byte{byte(kind)}, "")
		}
	}
	commands, err := os.ReadFile("../../graph/testdata/golden/commands.ndjson") // of every operation, with all it has
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(commands)); lines.Scan(); {
		var c graph.Command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		var fields []string
		for _, f := range reflect.VisibleFields(reflect.TypeOf(c.Op)) {
			fields = append(fields, f.Tag.Get("json"))
		}
		note(append([]byte{byte(entry.KindChange)}, lines.Bytes()...), fmt.Sprintf(" %v", fields))
	}
	var all []byte
	for _, line := range slices.Sorted(func(yield func(string) bool) {
		for s := range seen {
			if !yield(s) {
				return
			}
		}
	}) {
		all = append(all, line...)
	}
	golden.Compare(t, "levels.txt", all)
	if most != Level {
		t.Errorf("the newest is of level %d, and Level is %d", most, Level)
	}
}

// What this program does not know itself, it does not propose for others either.
func TestUnknownIsAboveOurLevel(t *testing.T) {
	for _, data := range [][]byte{{200}, {0}, []byte("\x02{}"), []byte("\x02{\"op\":\"of tomorrow\"}")} {
		if level, what := Needs(data); level <= Level || what == "" {
			t.Errorf("%q is %s of level %d", data, what, level)
		}
	}
}

// A node that has applied what an older program does not know is not started with that program, also when there is
// nothing more to apply.
func TestLogOfANewerProgramIsRefused(t *testing.T) {
	r := newReplica(t)
	busy(t, r)
	noted := func() string { v, _ := r.log.Get(eventlog.SpaceLocal, keyLevel); return string(v) }
	if f := load(t, r.log); f.level != 2 || noted() != "\x02" { // there is an entry of the vault
		t.Errorf("the level is %d, noted %q, want 2", f.level, noted())
	}
	u := r.log.BeginUpdate()
	u.Put(eventlog.SpaceLocal, keyLevel, []byte{Level + 1}) // as that program does
	if err := u.Commit(); err != nil {
		t.Fatal(err)
	}
	_, err := New(r.log, slog.New(slog.DiscardHandler), func(error) {})
	if want := fmt.Sprintf("(level %d, this version knows %d)", Level+1, Level); !errors.Is(err, ErrNewer) ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("started with an older program: %v, want %s", err, want)
	}
}

// What every program knows is not noted: a node may go back until there is something else.
func TestFirstLevelIsNotNoted(t *testing.T) {
	r := newReplica(t)
	r.change(t, graph.AddUser{Handle: "ada"})
	r.batch(t, 1, 1)
	if v, err := r.log.Get(eventlog.SpaceLocal, keyLevel); !errors.Is(err, eventlog.ErrNotFound) {
		t.Errorf("noted %q, %v", v, err)
	}
}
