package server

import (
	"fmt"
	"math"
	"runtime/debug"
	"runtime/metrics"

	"hpfriends/internal/proxyheader"
)

// budget is what the parts of a node may use of the machine. It is made once, at the start, so that no part can take
// what another one needs.
type budget struct {
	logFiles    int   // open tables of the log
	connections int   // hpfeeds
	perUser     int   // of one user's
	perAuthkey  int   // so that one that runs wild leaves its owner the others
	requests    int   // HTTP connections
	memory      int64 // of subscribers, together
	frames      int64 // of large frames that have begun
	blocks      int64 // of the log that are kept, opened or unpacked
	live        int64 // up to which the heap may grow by what only makes answers quicker
}

const (
	// reservedFiles are for what must always be possible: the log's other files, raft, the cluster port and its
	// handshakes, and the local socket, by which an operator comes in when everything else is taken.
	reservedFiles = 384
	leastFiles    = 640

	mostLogFiles    = 1000
	mostConnections = 1 << 16
	mostRequests    = 1 << 13

	memoryShare = 64 // of the process's memory
	leastMemory = 32 << 20
	mostMemory  = 256 << 20
	blockShare  = 32 // of the process's memory
)

// newBudget divides a number of open files and bytes of memory. What the Config says goes before.
func newBudget(c Config, files int, memory int64) (b budget, err error) {
	if files < leastFiles {
		return b, fmt.Errorf("the process may open %d files: want at least %d: raise it with `ulimit -n`, or LimitNOFILE= of "+
			"its systemd unit", files, leastFiles)
	}
	rest := files - reservedFiles
	b.logFiles = min(rest/4, mostLogFiles)
	b.requests = min(rest/4, mostRequests)
	waiting := c.proxied() * proxyheader.MaxWaiting
	b.connections = min(rest-b.logFiles-b.requests-waiting, mostConnections)
	if b.connections < 1 {
		return b, fmt.Errorf("the process may open %d files: want at least %d, since endpoints with proxy= need %d for "+
			"connections that wait for their header: raise it with `ulimit -n`, or LimitNOFILE= of its systemd unit", files,
			files+2*waiting, waiting)
	}
	if c.MaxConnections > b.connections {
		return b, badConfig("--max-connections %d: the process may open %d files, which leaves %d: raise that with `ulimit -n`, or "+
			"LimitNOFILE= of its systemd unit", c.MaxConnections, files, b.connections)
	}
	if c.MaxConnections > 0 {
		b.connections = c.MaxConnections
	}
	b.perUser = max(1, b.connections/4)
	b.perAuthkey = max(1, b.perUser*3/4)
	b.live = memory / 4
	b.blocks = min(max(memory/blockShare, leastMemory), mostMemory)
	b.frames = min(max(memory/memoryShare, leastMemory), mostMemory)
	if b.memory = int64(c.SubscriberMemory); b.memory == 0 {
		b.memory = b.frames
	}
	return b, nil
}

// roomy reports whether the heap is small enough to keep more than what is needed.
func (b budget) roomy() bool {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64() < uint64(b.live)
}

// processMemory is GOMEMLIMIT, or what the machine or its control group has.
func processMemory() int64 {
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		return limit
	}
	return machineMemory()
}

// Capacity is how many hpfeeds connections a server takes whose process may open a number of files.
func (s Config) Capacity(files int) (connections int, err error) {
	b, err := newBudget(s, files, processMemory())
	return b.connections, err
}

// OpenFiles is how many files this process may open.
func OpenFiles() int { return openFiles() }
