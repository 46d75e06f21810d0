package raftfsm

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// shelf is a follower's log, which takes what continues it and a while for each request.
type shelf struct {
	carrier
	took     time.Duration
	last     uint64
	failAt   uint64 // the request with this entry fails; 0: none
	requests []int  // bytes
}

func (s *shelf) AppendEntries(_ raft.ServerID, _ raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	time.Sleep(s.took)
	size := 0
	for _, e := range req.Entries {
		size += len(e.Data)
		if e.Index == s.failAt {
			return fmt.Errorf("lost")
		}
	}
	if req.PrevLogEntry != s.last || req.PrevLogTerm != 1+s.last/10 {
		resp.LastLog = s.last
		return nil
	}
	s.requests = append(s.requests, size)
	s.last += uint64(len(req.Entries))
	resp.Success, resp.LastLog = true, s.last
	return nil
}

// request has n entries of size bytes behind from; terms change each ten.
func request(from uint64, n, size int, commit uint64) *raft.AppendEntriesRequest {
	req := &raft.AppendEntriesRequest{Term: 9, PrevLogEntry: from, PrevLogTerm: 1 + from/10, LeaderCommitIndex: commit}
	for i := range uint64(n) {
		req.Entries = append(req.Entries, &raft.Log{Index: from + 1 + i, Term: 1 + (from+1+i)/10, Data: make([]byte, size)})
	}
	return req
}

func TestFarBehindIsBroughtUpInPieces(t *testing.T) {
	const piece = 256 << 10 // four fit
	for _, c := range []struct {
		name    string
		commits [2]uint64 // of two requests, of ten entries each
		size    int
		want    []int         // requests
		took    time.Duration // of both
	}{
		{"while others commit", [2]uint64{100, 120}, piece, []int{4, 4, 2, 4, 4, 2}, 100 * time.Millisecond},
		{"as fast as it takes it when nothing else is committed", [2]uint64{100, 100}, piece, []int{4, 4, 2, 4, 4, 2}, 60 * time.Millisecond},
		{"at once what is not committed", [2]uint64{9, 19}, piece, []int{10, 10}, 20 * time.Millisecond},
		{"at once what is small", [2]uint64{100, 120}, 1000, []int{10, 10}, 20 * time.Millisecond},
		{"one by one what is large", [2]uint64{100, 100}, 3 << 20, slices.Repeat([]int{1}, 20), 200 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &shelf{took: 10 * time.Millisecond}
				p := newPacer(s)
				begin := time.Now()
				for i, commit := range c.commits {
					var resp raft.AppendEntriesResponse
					if err := p.AppendEntries("n2", "n2", request(uint64(10*i), 10, c.size, commit), &resp); err != nil || !resp.Success || resp.LastLog != uint64(10*i+10) {
						t.Fatalf("%+v, %v", resp, err)
					}
				}
				var got []int
				for _, size := range s.requests {
					got = append(got, size/c.size)
				}
				if took := time.Since(begin); !slices.Equal(got, c.want) || took != c.took {
					t.Errorf("%v entries in %v, want %v in %v", got, took, c.want, c.took)
				}
			})
		})
	}
}

// The first piece that fails is the answer: raft goes on from what the follower has.
func TestAFailedPieceIsTheAnswer(t *testing.T) {
	s := &shelf{failAt: 6}
	p := newPacer(s)
	var resp raft.AppendEntriesResponse
	if err := p.AppendEntries("n2", "n2", request(0, 10, 256<<10, 100), &resp); err == nil || resp.Success || s.last != 4 {
		t.Errorf("%+v, %v, the follower has %d", resp, err, s.last)
	}
	s.failAt, s.last = 0, 2 // it has lost some
	if err := p.AppendEntries("n2", "n2", request(4, 6, 256<<10, 100), &resp); err != nil || resp.Success || resp.LastLog != 2 {
		t.Errorf("%+v, %v", resp, err)
	}
}
