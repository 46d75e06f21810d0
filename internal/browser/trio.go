package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"hpfriends/api"
	"hpfriends/internal/freeport"
	"hpfriends/internal/proc"
)

// Trio is a cluster of three servers in processes of their own.
type Trio struct {
	Nodes [3]*Member

	t     testing.TB
	token string // the file with which nodes join
}

// Member is a node, which keeps its data and its addresses when it starts again.
type Member struct {
	World
	id, cluster, http, hpfeeds string
}

// Three starts a cluster.
func Three(t testing.TB) *Trio {
	t.Helper()
	c := &Trio{t: t, token: filepath.Join(t.TempDir(), "token")}
	for i := range c.Nodes {
		c.Nodes[i] = &Member{
			World: World{t: t, dir: t.TempDir(), sessions: make(map[string][]*network.Cookie)}, id: fmt.Sprintf("n%d", i+1),
			cluster: freeport.On127(t), http: freeport.On127(t), hpfeeds: freeport.On127(t),
		}
	}
	c.Nodes[0].start("--bootstrap")
	asked := api.With[api.NewJoinToken]{Body: api.NewJoinToken{Seconds: 600, Uses: 2}}
	out, err := api.AddJoinToken.Call(t.Context(), c.Nodes[0].API, asked)
	if err == nil {
		err = os.WriteFile(c.token, []byte(out.Token), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Nodes[1:] {
		n.start("--join", c.Nodes[0].cluster, "--join-token-file", c.token)
	}
	c.Settle()
	return c
}

// start starts the node, and waits until it is ready.
func (n *Member) start(flags ...string) {
	n.t.Helper()
	_, port, _ := net.SplitHostPort(n.hpfeeds)
	p, err := proc.Launch(n.dir, proc.Command{Program: []string{built(n.t)}, Flags: append([]string{
		"--node-id", n.id, "--cluster", n.cluster, "--http", n.http, "--log-level", "warn",
		"--hpfeeds", "tcp:interface=127.0.0.1:port=" + port,
	}, flags...)})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(p.Kill)
	ctx, cancel := context.WithTimeout(n.t.Context(), startTimeout)
	defer cancel()
	if _, err := p.Await(ctx); err != nil {
		n.t.Fatal(err)
	}
	n.process, n.API, n.URL, n.Hpfeeds = p, p.API, "http://"+n.http, n.hpfeeds
}

// Leader returns who leads, as one node knows it.
func (c *Trio) Leader(asked *Member) *Member {
	c.t.Helper()
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		known, err := api.ShowCluster.Call(c.t.Context(), asked.API, api.None{})
		for _, n := range c.Nodes {
			if err == nil && n.id == known.Leader {
				return n
			}
		}
	}
	c.t.Fatal("there is no leader")
	return nil
}

// Settle waits until all three vote, and none is behind.
func (c *Trio) Settle() {
	c.t.Helper()
	var known api.Cluster
	for end := time.Now().Add(2 * startTimeout); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var err error
		known, err = api.ShowCluster.Call(c.t.Context(), c.Nodes[0].API, api.None{})
		good := 0
		for _, m := range known.Members {
			if m.Error == "" && m.LagEntries < 10 && (m.Role == "voter" || m.Role == "leader") {
				good++
			}
		}
		if err == nil && good == len(c.Nodes) {
			return
		}
	}
	c.t.Fatalf("the cluster is not whole: %+v", known)
}

// relay is one address before several nodes, as a load balancer is: a connection goes to the first that takes it.
type relay struct {
	Address string

	Shut    atomic.Bool  // it answers as a proxy does that has no server behind it
	Refused atomic.Int64 // what it has answered so

	to   []string
	mu   sync.Mutex
	open map[net.Conn]bool
}

func startRelay(t testing.TB, to ...string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Address: l.Addr().String(), to: to, open: make(map[net.Conn]bool)}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				passing.Go(func() { r.pass(c) })
			}
		}
	})
	t.Cleanup(func() {
		l.Close()
		r.HangUp()
		passing.Wait()
	})
	return r
}

// HangUp ends all connections.
func (r *relay) HangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		c.Close()
	}
}

func (r *relay) pass(browser net.Conn) {
	defer browser.Close()
	if r.Shut.Load() {
		defer r.Refused.Add(1)
		_, _ = browser.Read(make([]byte, 4096))
		_, _ = io.WriteString(browser, "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		return
	}
	r.mu.Lock()
	r.open[browser] = true
	r.mu.Unlock()
	for _, address := range r.to {
		node, err := net.Dial("tcp", address)
		if err != nil {
			continue
		}
		var both sync.WaitGroup
		for from, to := range map[net.Conn]net.Conn{browser: node, node: browser} {
			both.Go(func() {
				_, _ = io.Copy(to, from)
				from.Close()
				to.Close()
			})
		}
		both.Wait()
		break
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, browser)
}
