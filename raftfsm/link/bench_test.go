package link

import (
	"fmt"
	"io"
	"testing"

	"github.com/hashicorp/raft"

	"hpfriends/internal/rafttest"
)

func BenchmarkCall(b *testing.B) {
	n1, _, _ := pair(b, func(c *Config) { c.Handler = handler(echo) })
	for _, size := range []int{64, 4 << 10, 256 << 10} {
		for _, parallel := range []int{1, 8} {
			b.Run(fmt.Sprintf("%dB/%d", size, parallel), func(b *testing.B) {
				req := make([]byte, size)
				b.SetBytes(int64(2 * size)) // echo: there and back
				b.SetParallelism(parallel)
				b.ReportAllocs()
				one := func() {
					if _, err := n1.Call(b.Context(), "n2", 1, req); err != nil {
						b.Error(err)
					}
				}
				if parallel == 1 {
					for b.Loop() {
						one()
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						one()
					}
				})
			})
		}
	}
}

// answerAppends answers as a follower would whose disk takes no time.
func answerAppends(t raft.Transport, done <-chan struct{}) {
	for {
		select {
		case rpc := <-t.Consumer():
			rpc.Respond(&raft.AppendEntriesResponse{Success: true}, nil)
		case <-done:
			return
		}
	}
}

// BenchmarkAppendEntries sends entries one request at a time through the port, and through raft's TCP transport, which
// has no TLS.
func BenchmarkAppendEntries(b *testing.B) {
	for _, load := range []struct{ entries, size int }{{1, 256}, {16, 4 << 10}, {4, 256 << 10}} {
		req := &raft.AppendEntriesRequest{RPCHeader: raft.RPCHeader{Addr: []byte("a")}, Term: 1, PrevLogEntry: 1,
			PrevLogTerm: 1}
		for i := range load.entries {
			req.Entries = append(req.Entries, &raft.Log{Index: uint64(i), Term: 1, Data: make([]byte, load.size)})
		}
		send := func(b *testing.B, from, to raft.Transport, target string) {
			done := make(chan struct{})
			defer close(done)
			go answerAppends(to, done)
			b.SetBytes(int64(load.entries * load.size))
			for b.Loop() {
				if err := from.AppendEntries("n2", raft.ServerAddress(target), req, &raft.AppendEntriesResponse{}); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(fmt.Sprintf("%dx%dB/port", load.entries, load.size), func(b *testing.B) {
			n1, n2, _ := pair(b, nil)
			send(b, n1.Transport(rafttest.Quiet), n2.Transport(rafttest.Quiet), "")
		})
		b.Run(fmt.Sprintf("%dx%dB/tcp", load.entries, load.size), func(b *testing.B) {
			from, err1 := raft.NewTCPTransport("127.0.0.1:0", nil, 3, RaftTimeout, io.Discard)
			to, err2 := raft.NewTCPTransport("127.0.0.1:0", nil, 3, RaftTimeout, io.Discard)
			if err1 != nil || err2 != nil {
				b.Fatal(err1, err2)
			}
			defer from.Close()
			defer to.Close()
			send(b, from, to, string(to.LocalAddr()))
		})
	}
}

func BenchmarkHandshake(b *testing.B) {
	n1, _, _ := pair(b, nil)
	for b.Loop() {
		c, err := n1.dial(b.Context(), "n2", protoCall, true)
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
