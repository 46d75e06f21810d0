package web

import (
	"bytes"
	"fmt"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
)

// A stream that has sent something and waits costs at most 64 KiB, with its connection, and the client's end in it:
// what a thousand of them add to heap and stacks after garbage collection.
func TestAThousandStreamsCostLittle(t *testing.T) {
	const users, each, most = 16, 63, 64 << 10
	w := newWorld(t)
	var names []string
	for i := range users {
		names = append(names, fmt.Sprint("user", i))
	}
	w.users(names...)
	w.publish(1, "c", "of somebody")
	server := httptest.NewServer(w.socket)
	defer server.Close()
	defer w.server.live.Close()
	before := held()
	var streams []net.Conn
	for n := range users * each {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprintf(c, "GET /live/messages?channel=*&from=1 HTTP/1.1\r\nHost: localhost\r\n%s: %s\r\n\r\n",
			api.AsHeader, names[n%users])
		streams = append(streams, c)
	}
	for i := range users { // each sees what is theirs: a stream that has not sent anything has not grown yet
		w.publish(graph.UserID(i+1), "c", strings.Repeat("x", 1000))
	}
	for n, c := range streams {
		got := make([]byte, 0, 4096)
		for !bytes.Contains(got, []byte("xxxx")) {
			k, err := c.Read(got[len(got):cap(got)])
			if err != nil {
				t.Fatalf("stream %d: %v after %q", n, err, got)
			}
			got = got[:len(got)+k]
		}
		if !bytes.HasPrefix(got, []byte("HTTP/1.1 200")) {
			t.Fatalf("stream %d: %q", n, got)
		}
	}
	cost := (float64(held()) - float64(before)) / float64(len(streams))
	t.Logf("%d streams cost %.1f KiB each", len(streams), cost/1024)
	if cost > most || cost < 1024 { // one that costs nothing was not measured
		t.Errorf("a stream costs %.0f bytes, at most %d", cost, most)
	}
}

// held is what heap and stacks hold after garbage collection, in bytes.
func held() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
