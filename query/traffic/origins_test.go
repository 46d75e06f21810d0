package traffic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
	"hpfriends/graph"
)

// rows are the series in a range of some origins, as Rows tells them, and how many were looked at.
func (l *testLog) rows(p *Projection, in Range, of []graph.UserID, byOrigin bool) (all []Row, lookedAt int) {
	l.t.Helper()
	asked := Asked{Wants: func(s Series) bool { lookedAt++; return slices.Contains(of, s.Origin) }}
	if byOrigin {
		asked.Origins = func() []graph.UserID { return of }
	}
	if err := p.Rows(l.t.Context(), in, asked, func(r Row) error { all = append(all, r); return nil }); err != nil {
		l.t.Fatal(err)
	}
	return all, lookedAt
}

func firstDifference(a, b []Row) int {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return i
		}
	}
	return -1
}

// By origin there is what there is by channel, at the same place, whatever is open, sealed or taken by retention.
func TestRowsByOriginAreThoseByChannel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	l := newLog(t)
	limits := Limits{Batches: 40, Bytes: 1 << 20, Series: 30, Entries: 60}
	p := New(l.Log, limits)
	found := 0
	for round := range 60 {
		for range 1 + rng.IntN(80) {
			l.publish(fmt.Sprintf("%c%x", 'a'+rng.IntN(3), rng.IntN(300)), 1+rng.Uint64N(12))
		}
		if rng.IntN(4) == 0 {
			l.change()
		}
		if rng.IntN(12) == 0 {
			floor := l.Floor() + 1 + rng.Uint64N(l.index-l.Floor())
			l.entry([]byte{byte(entry.KindReport)}, func(tx *eventlog.Tx) { tx.RaiseFloor(floor) })
		}
		if rng.IntN(6) == 0 { // an older program wrote meanwhile, or it is a start
			tx := l.BeginUpdate()
			if tx.Delete(eventlog.SpaceChannels, []byte{recordNamed}); rng.IntN(2) == 0 {
				tx.DeleteRange(eventlog.SpaceChannels, []byte{recordOrigin}, []byte{recordOrigin + 1})
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			p = New(l.Log, limits)
		}
		all := []Range{WithPrefix("", ""), WithPrefix("b", ""), WithPrefix("", "a7f"), WithPrefix("c", "c1"), Exactly("b1")}
		in, of := all[rng.IntN(len(all))], []graph.UserID{99}
		for o := range graph.UserID(12) {
			if rng.IntN(3) == 0 {
				of = append(of, o+1)
			}
		}
		want, _ := l.rows(p, in, of, false)
		// What is before the first chunk's end is read by channel. So each is asked for from its beginning on as well.
		got, _ := l.rows(p, in, of, true)
		var direct []Row
		twice := Asked{Origins: func() []graph.UserID { return append(of, of...) }}
		err := p.rowsOf(t.Context(), in, twice, func(r Row) error { direct = append(direct, r); return nil })
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string][]Row{"after some by channel": got, "by origin alone": direct} {
			if i := firstDifference(got, want); i >= 0 {
				t.Fatalf("round %d, %s, of %v in %q: %d rows, want %d, from row %d on\n%+v, want\n%+v", round, name, of, in,
					len(got), len(want), i, got[i:min(i+2, len(got))], want[i:min(i+2, len(want))])
			}
		}
		found += len(want)
	}
	if found < 1000 {
		t.Errorf("only %d rows were compared", found)
	}
	if err := p.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := Verify(t.Context(), l.Log); err != nil {
		t.Error(err)
	}
}

// Somebody who makes up names costs those who do not receive them next to nothing.
func TestAskingCostsWhatIsAskedFor(t *testing.T) {
	l := newLog(t)
	for i := range 30_000 {
		l.publish(fmt.Sprintf("made.up.%05d", i), 7)
		if i%3000 == 0 {
			l.publish(fmt.Sprintf("made.up.%05d", i), 1)
		}
	}
	p := New(l.Log, DefaultLimits())
	all, asked := l.rows(p, WithPrefix("", ""), []graph.UserID{1}, true)
	if len(all) != 10 || asked > DefaultLimits().Unwanted+20 {
		t.Errorf("%d rows, %d were looked at, of 30,000", len(all), asked)
	}
	// While most are wanted they are read as they lie.
	if all, asked := l.rows(p, WithPrefix("", ""), []graph.UserID{7}, true); len(all) != 30_000 || asked != 30_010 {
		t.Errorf("%d rows, %d were looked at, want 30,000 and 30,010", len(all), asked)
	}
}

// What is sealed while somebody asks is there for them, too.
func TestSealedMeanwhile(t *testing.T) {
	l := newLog(t)
	for i := range 3 * namesAtOnce { // enough that not all names are read at once
		l.publish(fmt.Sprintf("c%04d", 2*i), 1)
	}
	l.change()
	p := New(l.Log, DefaultLimits())
	if err := p.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.publish("c0001", 1)
	l.publish("c0301", 1)
	if err := p.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, err := p.merge(t.Context(), WithPrefix("", ""), []graph.UserID{1})
	if err != nil {
		t.Fatal(err)
	}
	l.change()
	l.publish("d", 1)
	if err := p.catchUp(t.Context()); err != nil || len(p.open) != 1 {
		t.Fatal(len(p.open), err)
	}
	all, err := m.some()
	if err != nil || len(all) != 3*namesAtOnce+2 {
		t.Fatalf("%d series, %v, want %d", len(all), err, 3*namesAtOnce+2)
	}
	rows, err := p.lookUp(all)
	if err != nil || len(rows) != len(all) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if !slices.IsSortedFunc(rows, func(a, b Row) int { return slices.Compare(a.key('l'), b.key('l')) }) {
		t.Error("they are not in order")
	}
}

// An older program that prunes takes series away and leaves their names: they are made anew.
func TestNamesAreMadeAnewAfterAnOlderProgram(t *testing.T) {
	l := newLog(t)
	l.publish("gone", 1)
	l.publish("kept", 1)
	l.change()
	if err := New(l.Log, DefaultLimits()).catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	at, err := cursor(l.Log)
	if err != nil {
		t.Fatal(err)
	}
	l.entry([]byte{byte(entry.KindReport)}, func(tx *eventlog.Tx) { tx.RaiseFloor(2) })
	tx := l.BeginUpdate()
	tx.Delete(eventlog.SpaceChannels, Series{"gone", 1}.key(recordSeries))
	tx.Delete(eventlog.SpaceChannels, Series{"gone", 1}.historyKey(1))
	tx.Put(eventlog.SpaceChannels, []byte{recordCursor}, append(eventlog.IndexKey(at.counted), eventlog.IndexKey(2)...))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := New(l.Log, DefaultLimits()).catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Scan(eventlog.SpaceChannels, []byte{recordOrigin}, []byte{recordOrigin + 1}, func(k, _ []byte) error {
		if of, err := parseNamed(k); err != nil || of.Channel != "kept" {
			t.Errorf("%v is left, %v", of, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
