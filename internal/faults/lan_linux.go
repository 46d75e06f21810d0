package faults

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// LAN is a network by the kernel: each node in a namespace of its own, with one link to a bridge. A link that is down
// is a pulled cable: nothing says that nothing comes, and afterwards TCP's own timers decide when it tries again. It
// needs root.
type LAN struct {
	t    testing.TB
	hub  string   // the namespace of the bridge
	down []string // links of the hub that are down
}

// FormLAN is Form with a LAN between the nodes. Where namespaces are not permitted the test is skipped, and says so.
func FormLAN(t testing.TB, size int) *Cluster {
	t.Helper()
	c := newCluster(t, size, 0)
	c.LAN = &LAN{t: t, hub: fmt.Sprintf("hpf%d-hub", os.Getpid())}
	c.LAN.namespace(c.LAN.hub)
	c.LAN.must("-n", c.LAN.hub, "link", "add", "br0", "type", "bridge")
	c.LAN.must("-n", c.LAN.hub, "link", "set", "br0", "up")
	for i, n := range c.Nodes {
		n.netns, n.port = fmt.Sprintf("hpf%d-%s", os.Getpid(), n.ID), "127.0.0.1:10000"
		addr := fmt.Sprintf("10.98.0.%d", i+1)
		c.LAN.namespace(n.netns)
		c.LAN.must("-n", c.LAN.hub, "link", "add", n.ID, "type", "veth", "peer", "name", "eth0", "netns", n.netns)
		c.LAN.must("-n", c.LAN.hub, "link", "set", n.ID, "master", "br0", "up")
		c.LAN.must("-n", n.netns, "addr", "add", addr+"/24", "dev", "eth0")
		c.LAN.must("-n", n.netns, "link", "set", "eth0", "up")
		n.flags = []string{"--cluster", addr + ":7000"}
		c.advertised = append(c.advertised, addr+":7000")
	}
	c.form()
	return c
}

// namespace makes a namespace, which goes with the test.
func (l *LAN) namespace(name string) {
	l.t.Helper()
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		l.t.Skipf("NOT TESTED: network namespaces are not permitted here: ip netns add: %v: %s", err, out)
	}
	l.t.Cleanup(func() { l.must("netns", "del", name) })
	l.must("-n", name, "link", "set", "lo", "up")
}

func (l *LAN) must(args ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// Unplug takes a node's link down.
func (l *LAN) Unplug(n *Node) {
	l.t.Helper()
	l.must("-n", l.hub, "link", "set", n.ID, "down")
	l.down = append(l.down, n.ID)
}

// Heal brings all links up.
func (l *LAN) Heal() {
	l.t.Helper()
	for _, link := range l.down {
		l.must("-n", l.hub, "link", "set", link, "up")
	}
	l.down = nil
}

// within runs f on a thread that is in a network namespace; empty: in ours. What f opens belongs there for good.
func within(netns string, f func() error) (err error) {
	if netns == "" {
		return f()
	}
	runtime.LockOSThread()
	ours, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer ours.Close()
	theirs, err := os.Open("/run/netns/" + netns)
	if err != nil {
		return err
	}
	defer theirs.Close()
	if err := unix.Setns(int(theirs.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	err = f()
	if unix.Setns(int(ours.Fd()), unix.CLONE_NEWNET) == nil {
		runtime.UnlockOSThread() // else the thread ends with its goroutine
	}
	return err
}
