package transport

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// shelf is the log of n2, a follower, which takes what continues it and a while for each request; others take all at
// once.
type shelf struct {
	Base
	took     time.Duration
	last     uint64
	failAt   uint64 // the request with this entry fails; 0: none
	requests []int  // bytes
}

func (s *shelf) AppendEntries(
	id raft.ServerID, _ raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse,
) error {
	if id != "n2" {
		resp.Success = true
		return nil
	}
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
	pieces := []int{4, 4, 2, 4, 4, 2}
	for _, c := range []struct {
		name    string
		commits [2]uint64 // of two requests, of ten entries each
		news    int       // bytes that another is sent between
		size    int
		want    []int         // requests
		took    time.Duration // of both
	}{
		{"at its pace while others commit", [2]uint64{100, 101}, 5 * piece, piece, pieces, 186250 * time.Microsecond},
		{"twice as fast as what is new", [2]uint64{100, 101}, 64 * piece, piece, pieces, 123750 * time.Microsecond},
		{"as fast as it takes it when nothing else is committed", [2]uint64{100, 100}, piece, piece, pieces,
			60 * time.Millisecond},
		{"at once what is not committed", [2]uint64{9, 19}, piece, piece, []int{10, 10}, 20 * time.Millisecond},
		{"at once what is small", [2]uint64{100, 101}, piece, 1000, []int{10, 10}, 20 * time.Millisecond},
		{"one by one what is large", [2]uint64{100, 100}, piece, 3 << 20, slices.Repeat([]int{1}, 20),
			200 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &shelf{took: 10 * time.Millisecond}
				p := newThrottle(s, nil)
				p.bytes = 16 << 20
				begin := time.Now()
				for i, commit := range c.commits {
					var resp raft.AppendEntriesResponse
					if err := p.AppendEntries("n2", "n2", request(uint64(10*i), 10, c.size, commit), &resp); err != nil ||
						!resp.Success || resp.LastLog != uint64(10*i+10) {
						t.Fatalf("%+v, %v", resp, err)
					}
					for range 2 { // it is news once
						_ = p.AppendEntries("n3", "n3", request(commit, 1, c.news, commit), new(raft.AppendEntriesResponse))
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

// A follower that is slow has longer pauses. They vanish while much is new, and come back.
func TestPausesFollowTheFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{took: 40 * time.Millisecond}
		p := newThrottle(s, nil)
		p.bytes = 16 << 20
		commit := uint64(1000)
		// next is how long a request in two pieces takes, with so many bytes that are new before it.
		next := func(news int) time.Duration {
			commit++
			_ = p.AppendEntries("n3", "n3", request(commit, 1, news, commit), new(raft.AppendEntriesResponse))
			time.Sleep(maxPause) // the pause after the request before
			begin := time.Now()
			if err := p.AppendEntries("n2", "n2", request(s.last, 8, 256<<10, commit),
				new(raft.AppendEntriesResponse)); err != nil {
				t.Fatal(err)
			}
			return time.Since(begin)
		}
		next(0)
		if took := next(0); took != (40+80+40)*time.Millisecond {
			t.Errorf("two pieces of 40 ms take %v, want a pause of 80 ms", took)
		}
		for range 10 {
			next(10 << 20)
		}
		if took := next(10 << 20); took > 81*time.Millisecond {
			t.Errorf("with 10 MiB new between two requests of 2 MiB, one takes %v", took)
		}
		for range 10 {
			next(0)
		}
		if took := next(0); took != (40+80+40)*time.Millisecond {
			t.Errorf("when nothing is new any more, it takes %v", took)
		}
	})
}

// Nothing holds up the follower that a new leader needs to commit, or one for which others have waited for a while.
func TestNeededFollowerIsNotHeldUp(t *testing.T) {
	for _, c := range []struct {
		name         string
		term, commit uint64
		wait, took   time.Duration
	}{
		{"something was just committed", 9, 101, 0, 135 * time.Millisecond},
		{"in another term", 10, 105, 0, 30 * time.Millisecond},
		{"a while ago", 9, 101, recently + 1, 30 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newThrottle(&shelf{took: 10 * time.Millisecond}, nil)
				p.bytes = 16 << 20
				for commit := range uint64(2) {
					_ = p.AppendEntries("n3", "n3", request(100+commit, 1, 10, 100+commit), new(raft.AppendEntriesResponse))
				}
				time.Sleep(c.wait)
				req := request(0, 10, 256<<10, c.commit)
				req.Term = c.term
				begin := time.Now()
				if err := p.AppendEntries("n2", "n2", req, new(raft.AppendEntriesResponse)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took != c.took {
					t.Errorf("after %v, want %v", took, c.took)
				}
			})
		})
	}
}

// A follower far behind arrives whatever is committed meanwhile, as long as it takes more than that; and where little
// is committed, it is not sent more than the pace.
func TestFarBehindArrives(t *testing.T) {
	const (
		far   = 2000 // entries of 256 KiB; the Base takes 800 a second at most, the pace is 64
		entry = 256 << 10
	)
	for _, c := range []struct {
		perSecond   uint64 // committed
		least, most time.Duration
	}{
		{10, 25 * time.Second, 40 * time.Second},
		{60, 0, 40 * time.Second},
		{200, 0, 20 * time.Second},
		{300, 0, 20 * time.Second},
		{600, 0, 20 * time.Second},
	} {
		t.Run(fmt.Sprintf("%d a second", c.perSecond), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &shelf{took: 5 * time.Millisecond}
				p := newThrottle(s, nil)
				p.bytes = 16 << 20
				begin, newest := time.Now(), uint64(far)
				for {
					commit := far + uint64(time.Since(begin).Seconds()*float64(c.perSecond))
					if s.last+64 > commit {
						break
					}
					if commit > newest {
						_ = p.AppendEntries("n3", "n3", request(newest, int(commit-newest), entry, newest),
							new(raft.AppendEntriesResponse))
						newest = commit
					}
					if time.Since(begin) > time.Hour {
						t.Fatalf("after an hour it is %d behind", commit-s.last)
					}
					var resp raft.AppendEntriesResponse
					if err := p.AppendEntries("n2", "n2", request(s.last, 64, entry, commit), &resp); err != nil || !resp.Success {
						t.Fatalf("%+v, %v", resp, err)
					}
				}
				if took := time.Since(begin); took < c.least || took > c.most {
					t.Errorf("it arrives after %v, want %v to %v", took, c.least, c.most)
				}
			})
		})
	}
}

// The first piece that fails is the answer: raft goes on from what the follower has.
func TestAFailedPieceIsTheAnswer(t *testing.T) {
	s := &shelf{failAt: 6}
	p := newThrottle(s, nil)
	var resp raft.AppendEntriesResponse
	if err := p.AppendEntries("n2", "n2", request(0, 10, 256<<10, 100), &resp); err == nil || resp.Success || s.last != 4 {
		t.Errorf("%+v, %v, the follower has %d", resp, err, s.last)
	}
	s.failAt, s.last = 0, 2 // it has lost some
	if err := p.AppendEntries("n2", "n2", request(4, 6, 256<<10, 100), &resp); err != nil || resp.Success ||
		resp.LastLog != 2 {
		t.Errorf("%+v, %v", resp, err)
	}
}
