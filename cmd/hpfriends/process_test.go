package main

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
	self := &process{cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}
	got, err := self.cpu()
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
