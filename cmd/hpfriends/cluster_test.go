package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hpfriends/web"
)

// trio is three server processes that are one cluster, for tests of what operators do with them. internal/faults has what is done
// to a cluster under load.
type trio struct {
	t     *testing.T
	dirs  [3]string
	ports [3]string
	procs [3]*process
}

func nodeID(i int) string { return "n" + strconv.Itoa(i+1) }

func startTrio(t *testing.T) *trio {
	t.Helper()
	if testing.Short() {
		t.Skip("three server processes")
	}
	c := &trio{t: t}
	for i := range c.dirs {
		c.dirs[i] = t.TempDir()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.ports[i] = l.Addr().String()
		l.Close()
	}
	c.start(0, "--bootstrap")
	t.Cleanup(func() {
		for _, p := range c.procs {
			if p != nil {
				p.kill()
			}
		}
	})
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(c.token(0)), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 3; i++ {
		c.start(i, "--join", c.ports[0], "--join-token-file", token)
	}
	c.until("three voters", 30*time.Second, func() bool { return len(c.status(0).voters()) == 3 })
	return c
}

// start starts a node, with flags for the first time.
func (c *trio) start(i int, flags ...string) {
	c.t.Helper()
	c.procs[i] = startTestProcess(c.t, c.dirs[i], append([]string{"--node-id", nodeID(i), "--cluster", c.ports[i]}, flags...)...)
}

// stop ends a node in good order.
func (c *trio) stop(i int) {
	c.t.Helper()
	if err := c.procs[i].stop(); err != nil {
		c.t.Errorf("%s: %v", nodeID(i), err)
	}
	c.procs[i] = nil
}

func (c *trio) token(i int) string {
	c.t.Helper()
	var out struct{ Token string }
	if err := c.procs[i].call(c.t.Context(), "POST", "/api/v1/cluster/token", "", map[string]any{"seconds": 600}, &out); err != nil {
		c.t.Fatal(err)
	}
	return out.Token
}

type clusterView struct{ web.ClusterStatus }

func (v clusterView) voters() (ids []string) {
	for _, m := range v.Members {
		if m.Role != "nonvoter" && m.Error == "" {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func (c *trio) status(i int) (v clusterView) {
	c.t.Helper()
	if err := c.procs[i].call(c.t.Context(), "GET", "/api/v1/cluster", "", struct{}{}, &v.ClusterStatus); err != nil {
		c.t.Fatal(err)
	}
	return v
}

func (c *trio) until(what string, limit time.Duration, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
