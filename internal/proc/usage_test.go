package proc

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// What /proc says of this process is what the kernel tells it about itself.
func TestProcessorTimeOfAProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	for begin := time.Now(); time.Since(begin) < 50*time.Millisecond; { // more than the resolution
	}
	self := &Process{cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}
	got, err := self.CPU()
	if err != nil {
		t.Fatal(err)
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	want := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	if got <= 0 || got > want || want-got > 100*time.Millisecond {
		t.Errorf("/proc says %v, the kernel %v", got, want)
	}
}

// What this process takes is not what others take.
func TestContentionIsWhatOthersTake(t *testing.T) {
	c, err := WatchContention()
	if err != nil {
		t.Skip(err)
	}
	const work = 300 * time.Millisecond // of a processor, however long that takes
	for now := c; now.ours-c.ours < work; {
		if now, err = WatchContention(); err != nil {
			t.Fatal(err)
		}
	}
	others, err := c.Others()
	if err != nil {
		t.Fatal(err)
	}
	machine, err := machineTime()
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(c.begin).Seconds()
	all := (machine - c.machine).Seconds() / took
	if least := work.Seconds() / took / 2; all-others < least {
		t.Errorf("others took %.2f processors of %.2f that were busy, this process at least %.2f", others, all, 2*least)
	}
}
