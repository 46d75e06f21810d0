package raftlog

import (
	"strings"
	"testing"
	"time"
)

func TestLogDoesNotRepeatItself(t *testing.T) {
	w := &raftLog{muted: make(map[string]*muted)}
	now, passed := time.Unix(0, 0), 0
	for i := range 300 {
		line := "[WARN]  raft: appendEntries rejected, sending older logs: peer=n2 next=" + strings.Repeat("1", i%9)
		if _, ok := w.pass(kindOf(line), now.Add(time.Duration(i)*10*time.Millisecond)); ok {
			passed++
		}
	}
	if passed != 3 {
		t.Errorf("%d of 300 lines in 3 s were logged, want one a second", passed)
	}
	if count, ok := w.pass(kindOf("[WARN]  raft: appendEntries rejected, sending older logs: peer=n2 next=9"),
		now.Add(time.Hour)); !ok || count == 0 {
		t.Errorf("the next line says that %d were not logged", count)
	}
	if _, ok := w.pass(kindOf("[WARN]  raft: appendEntries rejected, sending older logs: peer=n3 next=9"),
		now.Add(time.Hour)); !ok {
		t.Error("of another peer it is not logged")
	}
}
