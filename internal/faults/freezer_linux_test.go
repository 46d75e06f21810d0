package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
)

// freezer is a file system of its own that can be made to hang: whoever writes to it waits, in the kernel, and cannot
// be killed.
type freezer struct {
	t      *testing.T
	dir    string
	frozen bool
}

func newFreezer(t *testing.T) *freezer {
	t.Helper()
	Long(t, 0, 0)
	for _, tool := range []string{"mkfs.ext4", "mount", "umount", "fsfreeze"} {
		if _, err := exec.LookPath(tool); err != nil || os.Getuid() != 0 {
			t.Skipf("needs root and %s", tool)
		}
	}
	work := t.TempDir()
	f := &freezer{t: t, dir: filepath.Join(work, "mnt")}
	image := filepath.Join(work, "image")
	for _, err := range []error{os.Mkdir(f.dir, 0o700), os.WriteFile(image, nil, 0o600), os.Truncate(image, 1<<30)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f.run("mkfs.ext4", "-q", "-F", image)
	f.run("mount", "-o", "loop", image, f.dir)
	t.Cleanup(func() { f.run("umount", f.dir) })
	return f
}

func (f *freezer) run(args ...string) {
	f.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		f.t.Fatalf("%v: %v: %s", args, err, out)
	}
}

func (f *freezer) freeze() {
	f.t.Helper()
	f.run("fsfreeze", "-f", f.dir)
	f.frozen = true
}

func (f *freezer) thaw() {
	f.t.Helper()
	if f.frozen {
		f.frozen = false
		f.run("fsfreeze", "-u", f.dir)
	}
}

// waitsOnly says whether a process has ended but for those of its threads that wait in the kernel for the disk.
func waitsOnly(pid int) bool {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return false
	}
	for _, path := range tasks {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // gone meanwhile
		}
		_, state, _ := strings.Cut(string(stat), ") ")
		if !strings.HasPrefix(state, "D") && !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X") {
			return false
		}
	}
	return true
}

// T07: the disk of the leader hangs, log and stable store, in the kernel. Another leads, publishing resumes, the
// process gives up, and comes back with all it had.
func TestT07LeaderWhoseDiskHangs(t *testing.T) {
	f := newFreezer(t)
	c := FormIn(t, []string{filepath.Join(f.dir, "n1"), "", ""})
	t.Cleanup(f.thaw)
	s := c.Load(Load{Writers: 6, Rate: Scaled(20_000), Size: 256, Through: []int{1, 2}})
	if c.Leader() != 0 {
		c.must(1, order(t.Context(), c.Nodes[1], api.TransferLeadership, "n1"))
		c.Until("n1 leads", 10*time.Second, func() bool { return c.Leader() == 0 })
	}
	s.Flows(10 * time.Second)
	own, err := s.reader.dial(t.Context(), c.Nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	s.Pauses()
	f.freeze()
	begin := time.Now()
	since := func() time.Duration { return time.Since(begin).Round(time.Millisecond) }
	c.Until("another leads", 15*time.Second, func() bool {
		all := c.States()
		return all[1].Leads || all[2].Leads
	})
	elected := since()
	s.Flows(15 * time.Second)
	resumed := since()
	c.Until("the old leader gives up", 30*time.Second, func() bool { return waitsOnly(c.Nodes[0].pid()) })
	gone, pause := since(), s.Pauses().Round(time.Millisecond)
	if err := own.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := own.ReadFrame(); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the old leader has given up, its disk hangs, and its clients still have their connections")
	}
	f.thaw()
	if state := c.Nodes[0].AwaitEnd(10 * time.Second); state.Success() ||
		!strings.Contains(c.Nodes[0].Tail(), "the disk does not answer") {
		t.Errorf("n1 ended with %v and says %q", state, c.Nodes[0].Tail())
	}
	t.Logf("T07: the leader's disk hangs: another leads after %v, publishing resumes after %v (longest pause of any "+
		"writer %v), the process gives up after %v", elected, resumed, pause, gone)
	if elected > 10*time.Second || resumed > 10*time.Second || pause > 10*time.Second || gone > 25*time.Second {
		t.Error("want a leader and confirmations within 10 s, and the end within 25 s")
	}
	c.Nodes[0].Start()
	s.Verdict()
}
