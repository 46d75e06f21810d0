package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// userHertz is the unit of processor times in /proc, on every Linux that Go runs on (proc(5)).
const userHertz = time.Second / 100

// processorTime is what a process, or self, has taken, and what those of its children have that ended.
func processorTime(pid string) (own, ended time.Duration, err error) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, 0, fmt.Errorf("processor times are read from /proc: %w", err)
	}
	// After the name, which may hold anything but ends at the last parenthesis: the 14th to 17th field of all are utime,
	// stime, cutime and cstime.
	times, err := hertz(strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])), 11, 15)
	if err != nil {
		return 0, 0, fmt.Errorf("/proc/%s/stat: %w", pid, err)
	}
	return times[0] + times[1], times[2] + times[3], nil
}

// machineTime is what all processors together have spent on anything.
func machineTime() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("processor times are read from /proc: %w", err)
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	times, err := hertz(strings.Fields(line), 1, 8) // user, nice, system, idle, iowait, irq, softirq
	if err != nil {
		return 0, fmt.Errorf("/proc/stat: %w", err)
	}
	return times[0] + times[1] + times[2] + times[5] + times[6], nil
}

func hertz(fields []string, from, to int) (times []time.Duration, err error) {
	if len(fields) < to {
		return nil, fmt.Errorf("%d fields in %q", len(fields), fields)
	}
	for _, f := range fields[from:to] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return nil, err
		}
		times = append(times, time.Duration(n)*userHertz)
	}
	return times, nil
}

// company finds out what others take of the machine while something is measured.
type company struct {
	begin         time.Time
	machine, ours time.Duration
}

func WatchCompany() (c company, err error) {
	c.begin = time.Now()
	if c.machine, err = machineTime(); err != nil {
		return c, err
	}
	own, ended, err := processorTime("self")
	c.ours = own + ended
	return c, err
}

// Others is how many processors others kept busy since, on average. The servers of the measurement must have ended.
func (c company) Others() (float64, error) {
	now, err := WatchCompany()
	if err != nil {
		return 0, err
	}
	return ((now.machine - c.machine) - (now.ours - c.ours)).Seconds() / now.begin.Sub(c.begin).Seconds(), nil
}
