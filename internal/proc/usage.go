package proc

import (
	"fmt"
	"time"

	"github.com/prometheus/procfs"
)

// RSS returns the resident memory in bytes of the server and of the processes that hash for it.
func (p *Process) RSS() (bytes float64, err error) {
	err = p.each(func(stat procfs.ProcStat) { bytes += float64(stat.ResidentMemory()) })
	return bytes, err
}

// CPU returns the processor time that the server has taken, and the processes that hash for it now.
func (p *Process) CPU() (took time.Duration, err error) {
	err = p.each(func(stat procfs.ProcStat) { took += seconds(stat.CPUTime()) })
	return took, err
}

// each calls fn for the server and its children.
func (p *Process) each(fn func(procfs.ProcStat)) error {
	all, err := procfs.AllProcs()
	if err != nil {
		return fmt.Errorf("what a process takes is read from /proc: %w", err)
	}
	for _, other := range all {
		stat, err := other.Stat()
		if err == nil && (other.PID == p.PID() || stat.PPID == p.PID()) { // else it has ended meanwhile
			fn(stat)
		}
	}
	return nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Contention finds out what others take of the machine while something is measured.
type Contention struct {
	begin         time.Time
	machine, ours time.Duration
}

// WatchContention begins to watch.
func WatchContention() (c Contention, err error) {
	c.begin = time.Now()
	if c.machine, err = machineTime(); err != nil {
		return c, err
	}
	self, err := procfs.Self()
	if err != nil {
		return c, err
	}
	stat, err := self.Stat()
	ended := float64(stat.CUTime+stat.CSTime) / userHertz // of children
	c.ours = seconds(stat.CPUTime() + ended)
	return c, err
}

// userHertz is how many units of processor time /proc counts in a second, on every Linux that Go runs on (proc(5)).
const userHertz = 100

// Others is how many processors others kept busy since, on average. The servers of the measurement must have ended.
func (c Contention) Others() (float64, error) {
	now, err := WatchContention()
	if err != nil {
		return 0, err
	}
	return ((now.machine - c.machine) - (now.ours - c.ours)).Seconds() / now.begin.Sub(c.begin).Seconds(), nil
}

// machineTime is what all processors together have spent on anything.
func machineTime() (time.Duration, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, fmt.Errorf("processor times are read from /proc: %w", err)
	}
	stat, err := fs.Stat()
	t := stat.CPUTotal
	return seconds(t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ), err
}
