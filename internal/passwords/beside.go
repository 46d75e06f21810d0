package passwords

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/argon2"
)

// A hash takes a processor for tenths of a second. Among goroutines others wait behind it in slices of 10 ms; between
// processes the kernel lets those go first that need little. And its 64 MiB are gone when the process is.
const (
	besideName = "hpfriends-passwords" // in a list of processes
	besideIdle = time.Minute           // then it ends
	besideMost = time.Minute           // for one hash; the most expensive that is computed takes seconds
)

// served is whether ServeBeside was called: whether this program can be started to hash.
var served bool

// ServeBeside is called by main before anything else. Where this process was started to hash for a server, it does
// that, and never returns. Elsewhere it lets each Hasher start such processes.
func ServeBeside() {
	if served = true; os.Args[0] != besideName {
		return
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // it ends with its server
	runtime.GOMAXPROCS(1)
	// Of the two it is the one to end for want of memory: its server then hashes by itself. Elsewhere than on Linux there
	// is no such file.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
	if err := serve(os.Stdin, os.Stdout); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// job is a hash that is to be computed.
type job struct {
	Password, Salt []byte
	Memory, Time   uint32
	Threads        uint8
	Size           uint32
}

func (j job) compute() []byte {
	return argon2.IDKey(j.Password, j.Salt, j.Time, j.Memory, j.Threads, j.Size)
}

// serve answers jobs with hashes until there are no more.
func serve(from io.Reader, to io.Writer) error {
	in, out := gob.NewDecoder(from), gob.NewEncoder(to)
	for {
		var j job
		if err := in.Decode(&j); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := out.Encode(j.compute()); err != nil {
			return err
		}
		runtime.GC() // the next one takes the same memory
	}
}

// beside has hashes computed by processes beside this one, as many as there are at a time.
type beside struct {
	start  func() (*child, error)
	mu     sync.Mutex
	idle   []*child
	closed bool
}

func (b *beside) compute(j job) ([]byte, error) {
	c, err := b.take()
	if err != nil {
		return nil, err
	}
	late := time.AfterFunc(besideMost, c.kill)
	sum, err := c.compute(j)
	if late.Stop(); err != nil {
		return nil, errors.Join(err, c.end())
	}
	b.give(c)
	return sum, nil
}

// close ends the processes, now or when they have done what they do.
func (b *beside) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, c := range b.idle {
		c.retire.Stop()
		_ = c.end()
	}
	b.idle = nil
}

func (b *beside) take() (*child, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.idle); n > 0 {
		c := b.idle[n-1]
		b.idle = b.idle[:n-1]
		c.retire.Stop()
		return c, nil
	}
	return b.start()
}

func (b *beside) give(c *child) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		_ = c.end()
		return
	}
	b.idle = append(b.idle, c)
	c.retire = time.AfterFunc(besideIdle, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if i := slices.Index(b.idle, c); i >= 0 { // else somebody has just taken it
			b.idle = slices.Delete(b.idle, i, i+1)
			_ = c.end()
		}
	})
}

// child is a process that hashes.
type child struct {
	jobs   *gob.Encoder
	sums   *gob.Decoder
	kill   func()
	wait   func() error
	retire *time.Timer // while it is idle
}

// startChild starts this program once more, with nothing of what its environment says.
func startChild() (*child, error) {
	cmd := exec.Command(self())
	cmd.Args, cmd.Env = []string{besideName}, []string{}
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a process that hashes passwords: %w", err)
	}
	return &child{
		jobs: gob.NewEncoder(in), sums: gob.NewDecoder(out), kill: func() { _ = cmd.Process.Kill() }, wait: cmd.Wait,
	}, nil
}

// end ends the process, which holds nothing that matters, and says how it ended.
func (c *child) end() error {
	c.kill()
	return c.wait()
}

// self is this program, also when there is another one at its path by now.
func self() string {
	const running = "/proc/self/exe" // as which it would be listed, too
	path, err := os.Executable()
	there, errThere := os.Stat(path)
	if now, errNow := os.Stat(running); errNow == nil &&
		(err != nil || errThere != nil || !os.SameFile(there, now)) {
		return running
	}
	return path
}

func (c *child) compute(j job) (sum []byte, err error) {
	if err = c.jobs.Encode(j); err == nil {
		err = c.sums.Decode(&sum)
	}
	if err != nil {
		return nil, fmt.Errorf("a process that hashes passwords ended: %w", err)
	}
	if len(sum) != int(j.Size) {
		return nil, fmt.Errorf("a process that hashes passwords answered with %d bytes, want %d", len(sum), j.Size)
	}
	return sum, nil
}
