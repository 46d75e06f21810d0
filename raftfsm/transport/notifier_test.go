package transport

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// post is a transport whose followers answer as they are told to, and that keeps what was sent.
type post struct {
	Base
	refuse, lose bool
	sent         []raft.AppendEntriesRequest
}

func (p *post) AppendEntries(
	_ raft.ServerID, _ raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse,
) error {
	p.sent = append(p.sent, *req)
	if p.lose {
		return fmt.Errorf("lost")
	}
	resp.Success = !p.refuse
	return nil
}

// append sends one entry as raft does.
func (p *post) append(t *testing.T, h *notifier, term, index, commit uint64) {
	t.Helper()
	req := &raft.AppendEntriesRequest{
		Term: term, PrevLogEntry: index - 1, PrevLogTerm: term, LeaderCommitIndex: commit,
		Entries: []*raft.Log{{Index: index, Term: term}},
	}
	var resp raft.AppendEntriesResponse
	if err := h.AppendEntries("n2", "n2", req, &resp); err != nil && !p.lose {
		t.Fatal(err)
	}
}

func TestNotifierTellsWhatAFollowerHasConfirmed(t *testing.T) {
	const term = 5
	for _, c := range []struct {
		name        string
		prepare     func(*testing.T, *post, *notifier)
		term, known uint64
		want        uint64 // 0: silence
	}{
		{"all that it has", func(t *testing.T, p *post, h *notifier) { p.append(t, h, term, 7, 6) }, term, 7, 7},
		{"not more than it has", func(t *testing.T, p *post, h *notifier) { p.append(t, h, term, 7, 5) }, term, 9, 7},
		{"not what it was told with entries", func(t *testing.T, p *post, h *notifier) { p.append(t, h, term, 7, 6) }, term,
			6, 0},
		{"not what it refused", func(t *testing.T, p *post, h *notifier) {
			p.append(t, h, term, 7, 6)
			p.refuse = true
			p.append(t, h, term, 9, 6)
		}, term, 9, 7},
		{"not what may be lost", func(t *testing.T, p *post, h *notifier) {
			p.append(t, h, term, 7, 6)
			p.lose = true
			p.append(t, h, term, 8, 6)
		}, term, 9, 7},
		{"nothing by what was confirmed in an older term",
			func(t *testing.T, p *post, h *notifier) { p.append(t, h, term, 7, 6) }, term + 1, 7, 0},
		{"nothing to one that is silent", func(t *testing.T, p *post, h *notifier) {
			p.append(t, h, term, 7, 6)
			h.followers["n2"].heard = time.Now().Add(-2 * followerTrust)
		}, term, 7, 0},
		{"in a newer term what is confirmed again", func(t *testing.T, p *post, h *notifier) {
			p.append(t, h, term, 7, 6)
			p.append(t, h, term+1, 4, 3)
		}, term + 1, 9, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &post{}
			h := newNotifier(p, notifyGrace)
			c.prepare(t, p, h)
			due := h.due(c.term, c.known)
			if len(due) == 0 {
				if c.want != 0 {
					t.Errorf("silence, want %d", c.want)
				}
				return
			}
			p.sent = nil
			h.send(due[0])
			got := p.sent[0]
			if got.LeaderCommitIndex != c.want || got.Term != c.term || len(got.Entries) != 0 || got.PrevLogEntry < c.want {
				t.Errorf("announced %d in term %d behind entry %d with %d entries, want %d",
					got.LeaderCommitIndex, got.Term, got.PrevLogEntry, len(got.Entries), c.want)
			}
			if again := h.due(c.term, c.known); len(again) != 0 {
				t.Errorf("the same news is due again: %v", again)
			}
		})
	}
}
