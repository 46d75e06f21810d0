package faults

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// dialer finds the node that opened a connection to us. Its process may be about to be known, so it looks a few times;
// false means that the process has ended, or that none of the nodes is it.
func (w *Network) dialer(c net.Conn) (node int, ok bool) {
	remote, errRemote := netip.ParseAddrPort(c.RemoteAddr().String())
	here, errHere := netip.ParseAddrPort(c.LocalAddr().String())
	if errRemote != nil || errHere != nil {
		return 0, false
	}
	for range 10 {
		if inode := socketInode(remote, here); inode != "" {
			for i, n := range w.nodes {
				if pid := n.pid(); pid != 0 && hasSocket(pid, inode) {
					return i, true
				}
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-w.ctx.Done():
			return 0, false
		}
	}
	return 0, false
}

// socketInode finds the socket of a connection from one IPv4 address to another; empty: there is none. The one alone
// does not say it: two nodes may dial from the same port, to others.
func socketInode(from, to netip.AddrPort) string {
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		return ""
	}
	defer f.Close()
	hex := func(p netip.AddrPort) string {
		a := p.Addr().As4()
		return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(a[:]), p.Port())
	}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 9 && fields[1] == hex(from) && fields[2] == hex(to) {
			return fields[9]
		}
	}
	return ""
}

// hasSocket reports whether a process has that socket open.
func hasSocket(pid int, inode string) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	open, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, f := range open {
		if to, err := os.Readlink(filepath.Join(dir, f.Name())); err == nil && to == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}
