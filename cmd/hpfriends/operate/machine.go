package operate

import (
	"context"
	"fmt"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/prometheus/procfs"

	"hpfriends/internal/shell"
	"hpfriends/raftfsm/store"
	"hpfriends/server"
)

// Free space and inodes below which the doctor warns, and fails. The server itself takes nothing from clients below a
// twentieth of the disk and 2 GiB.
const (
	warnShare, failShare = 10, 20
	warnBytes, failBytes = 10 << 30, 2 << 30
	warnInodes           = 10_000
)

func checkDisk(_ context.Context, p *patient) []Finding {
	const name = "disk"
	dir := p.dir
	for exists(dir) == nil && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir) // the directory is still to be made
	}
	d, err := store.DiskSpace(dir)
	if err != nil {
		return one(name, Skipped, err.Error(), "")
	}
	return judgeDisk(d, dir)
}

func judgeDisk(d store.Space, dir string) (all []Finding) {
	found := fmt.Sprintf("%s of %s are free below %s", size(d.Free), size(d.Total), dir)
	do := fmt.Sprintf("free some (df %s), or keep less: retention-size in the settings", shell.Quote(dir))
	switch {
	case d.Free < min(d.Total/failShare, failBytes):
		all = one("disk", Fail, found+": the server refuses what clients publish", do)
	case d.Free < min(d.Total/warnShare, warnBytes):
		all = one("disk", Warn, found, do)
	default:
		all = one("disk", OK, found, "")
	}
	if d.Inodes == 0 { // of a file system that makes them as needed
		return all
	}
	found = fmt.Sprintf("%d of %d inodes are free", d.FreeInodes, d.Inodes)
	if d.FreeInodes < min(d.Inodes/warnShare, warnInodes) {
		verdict := Warn
		if d.FreeInodes < warnInodes/100 {
			verdict = Fail
		}
		return append(all, one("inodes", verdict, found, fmt.Sprintf("find what has made so many files: du --inodes -x %s",
			shell.Quote(dir)))...)
	}
	return append(all, one("inodes", OK, found, "")...)
}

// fewConnections are what a community soon has.
const fewConnections = 2000

// checkFiles looks at the limit of open files: of the server that runs, or of this process.
func checkFiles(_ context.Context, p *patient) []Finding {
	files, whose := server.OpenFiles(), "this process"
	if p.running {
		n, err := limitOf(p.where.PID)
		if err != nil {
			return one("open files", Skipped, "the limit of the server that runs: "+err.Error(), "")
		}
		files, whose = n, "the server"
	}
	return judgeFiles(p.settings.Config, files, whose)
}

// limitOf is how many files another process may open.
func limitOf(pid int) (int, error) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	limits, err := process.Limits()
	return int(limits.OpenFiles), err
}

func judgeFiles(s server.Config, files int, whose string) []Finding {
	const name, do = "open files", "LimitNOFILE=524288 below [Service] of its unit (systemctl edit hpfriends), or `ulimit -n 524288`"
	connections, err := s.Capacity(files)
	found := fmt.Sprintf("%s may open %d, of which %d are for hpfeeds connections", whose, files, connections)
	switch {
	case err != nil:
		return one(name, Fail, err.Error(), do)
	case connections < fewConnections && s.MaxConnections == 0:
		return one(name, Warn, found, do)
	}
	return one(name, OK, found, "")
}

// userName is the name of a user, or the number of one without.
func userName(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return strconv.Itoa(uid)
	}
	return u.Username
}
