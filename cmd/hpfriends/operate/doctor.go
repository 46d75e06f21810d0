package operate

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	urfave "github.com/urfave/cli/v2"

	"hpfriends/cmd/hpfriends/cli"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/datadir"
	"hpfriends/internal/term"
)

// Verdict of a check.
type Verdict string

const (
	OK      Verdict = "ok"
	Warn    Verdict = "warn"    // works, and will not or might not for long
	Fail    Verdict = "fail"    // does not work, or is open to others
	Skipped Verdict = "skipped" // cannot be told here
)

// Finding is what one check has found.
type Finding struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Found   string  `json:"found"`
	Do      string  `json:"do,omitempty"` // the command to run, or the line to change
	Fixed   bool    `json:"fixed,omitempty"`

	mend func() error // nil: only a person can
}

// Report is all of them.
type Report struct {
	DataDir  string    `json:"data_dir"`
	Running  bool      `json:"running"` // a server answers there
	Findings []Finding `json:"findings"`
}

func (r Report) count(v Verdict) (n int) {
	for _, f := range r.Findings {
		if f.Verdict == v {
			n++
		}
	}
	return n
}

// patient is what is looked at.
type patient struct {
	dir      string
	settings cli.Settings
	config   string // file of settings; may be empty
	bad      error  // why there are no settings
	running  bool
	where    datadir.Addresses // of the running server
	backups  string            // directory or file; empty: unknown
	now      time.Time
}

// check is one look, which may find several things.
type check func(context.Context, *patient) []Finding

// checks are in the order in which they are printed: what others depend on comes first.
var checks = []check{
	checkSettings, checkDirectory, checkModes, checkOwner, checkDataKey, checkSecretFiles, checkLeftovers, checkServer,
	checkLog, checkDisk, checkFiles, checkClock, checkPorts, checkCertificates, checkBackups,
}

// Doctor returns the command doctor.
func Doctor() *urfave.Command {
	return &urfave.Command{
		Name: "doctor", Usage: "look for what is wrong with a server, its directory and its machine",
		Description: `Prints one line for each check: ok, warn, fail, or skipped where it cannot be
told, and below it the command to run or the line to change. Give it the
settings of the server: --config, --data-dir, or the same environment. A
server may be running. With --fix it mends what is safe to mend: who may read
files, and what a server that was killed has left. Run it as the user of the
server, or as root.
Exit codes: 0 nothing fails, 1 something does, 2 usage.`,
		Flags: append(cli.SettingFlags(),
			&urfave.BoolFlag{Name: "fix", Usage: "mend what is safe to mend"},
			&urfave.StringFlag{Name: "backups", EnvVars: []string{"HPFRIENDS_BACKUPS"},
				Usage: "directory `DIR` with backups, or one backup: look how old the newest is"},
			&urfave.BoolFlag{Name: "json", Usage: "print JSON"}),
		Action: func(c *urfave.Context) error {
			if _, err := cmdline.Args(c); err != nil {
				return err
			}
			r := examine(c.Context, newPatient(c))
			if c.Bool("fix") && mend(&r) {
				r = after(r, examine(c.Context, newPatient(c)))
			}
			if err := cmdline.Show(c, r, func(w io.Writer) { printReport(w, r) }); err != nil {
				return err
			}
			if n := r.count(Fail); n > 0 {
				return cmdline.Fail(cmdline.ExitFailed, "")
			}
			return nil
		},
	}
}

func newPatient(c *urfave.Context) *patient {
	p := &patient{dir: c.String("data-dir"), config: c.String("config"), backups: c.String("backups"), now: time.Now()}
	p.settings, _, p.bad = cli.LoadSettings(c)
	if p.bad == nil {
		p.dir = p.settings.DataDir
	}
	p.running = cli.ServerRuns(p.dir)
	if p.running {
		p.where, _ = datadir.ReadAddresses(p.dir)
	}
	return p
}

func examine(ctx context.Context, p *patient) Report {
	r := Report{DataDir: p.dir, Running: p.running, Findings: []Finding{}}
	for _, look := range checks {
		r.Findings = append(r.Findings, look(ctx, p)...)
	}
	return r
}

// mend mends what is safe to mend, and reports whether it has mended anything.
func mend(r *Report) (any bool) {
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.mend == nil || f.Verdict == OK {
			continue
		}
		if err := f.mend(); err != nil {
			f.Found += fmt.Sprintf("; --fix could not mend it: %v", err)
			continue
		}
		f.Verdict, f.Fixed, any = OK, true, true
	}
	return any
}

// after is what was found once something is mended, which other checks looked at, too: with what was mended, in place
// of what its check says now that nothing is wrong there.
func after(mended, now Report) Report {
	told := make(map[string]bool) // checks of which something was mended
	var all []Finding
	for _, f := range mended.Findings {
		if f.Fixed {
			told[f.Check] = true
			all = append(all, f)
		}
	}
	for _, f := range now.Findings {
		if !told[f.Check] || f.Verdict != OK {
			all = append(all, f)
		}
	}
	now.Findings = all
	return now
}

func printReport(w io.Writer, r Report) {
	for _, f := range r.Findings {
		found := f.Found
		if f.Fixed {
			found += " - mended: " + f.Do
		}
		fmt.Fprintf(w, "%-8s%-13s%s\n", f.Verdict, f.Check, cmdline.OneLine(found))
		if f.Do != "" && !f.Fixed {
			fmt.Fprintf(w, "%8s%-13s%s\n", "", "", "-> "+cmdline.OneLine(f.Do))
		}
	}
	mendable := 0
	for _, f := range r.Findings {
		if f.mend != nil && f.Verdict != OK {
			mendable++
		}
	}
	fmt.Fprintf(w, "\n%d failed, %s", r.count(Fail), term.Count(r.count(Warn), "warning", "warnings"))
	if mendable > 0 {
		fmt.Fprintf(w, "; --fix mends %d", mendable)
	}
	fmt.Fprintln(w)
}

func one(check string, v Verdict, found, do string) []Finding {
	return []Finding{{Check: check, Verdict: v, Found: found, Do: do}}
}

func size(n uint64) string { return humanize.IBytes(n) }

// exists is what there is at a path; nil: nothing.
func exists(path string) fs.FileInfo {
	info, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	return info
}
