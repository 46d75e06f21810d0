package operate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"hpfriends/api"
	archive "hpfriends/backup"
	"hpfriends/cmd/hpfriends/cli"
	"hpfriends/eventlog"
	"hpfriends/internal/buildinfo"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/shell"
)

// namedSetting finds the setting that an error is about.
var namedSetting = regexp.MustCompile(`--([a-z-]+)`)

func checkSettings(_ context.Context, p *patient) []Finding {
	const name = "settings"
	if p.bad != nil {
		var all []Finding
		for _, wrong := range cmdline.Faults(p.bad.Error()) {
			do := "change that setting; hpfriends config example has them all"
			if m := namedSetting.FindStringSubmatch(wrong); m != nil && p.config != "" {
				if line := cli.SettingLine(p.config, m[1]); line != "" {
					do = line + ": change " + m[1]
				}
			}
			all = append(all, Finding{Check: name, Verdict: Fail, Found: wrong, Do: do})
		}
		return all
	}
	if geo := p.settings.Geo; geo != "" {
		if err := readable(geo); err != nil {
			return one(name, Fail, "--geoip: "+err.Error(), "put the file there, or take geoip out of the settings")
		}
	}
	if p.config == "" {
		return one(name, OK, "flags, environment and defaults; no file (--config)", "")
	}
	return one(name, OK, p.config+" has only settings that there are, with values that they can have", "")
}

// checkServer asks a running server.
func checkServer(ctx context.Context, p *patient) (all []Finding) {
	const name = "server"
	if !p.running {
		return one(name, Skipped, "none runs on "+p.dir, "")
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s, err := api.ShowStatus.Call(ctx, api.Local(p.dir), api.None{})
	if err != nil {
		return one(name, Fail, "it does not answer on its socket: "+err.Error(), "look into its log: journalctl -u hpfriends")
	}
	if s.Ready {
		all = one(name, OK, "version "+s.Version+" takes clients", "")
	} else {
		all = one(name, Fail, "it takes no clients: "+s.Reason, "look into its log: journalctl -u hpfriends")
	}
	if mine := buildinfo.Version(); mine != s.Version {
		all = append(all, one("version", Warn, fmt.Sprintf("the server is %s, this program is %s", s.Version, mine),
			"restart the server with the program that was installed: systemctl restart hpfriends")...)
	}
	if s.Scrub != nil && s.Scrub.Damage != "" {
		all = append(all, one("damage", Fail, s.Scrub.Damage,
			"hpfriends check says how much; then replace the disk, and the node from the others or from a backup")...)
	}
	for _, w := range s.Warnings {
		all = append(all, one("warning", Warn, w, "")...)
	}
	return all
}

// checkLog opens the log of a stopped server: an earlier or later program may have written it, and another may use it.
func checkLog(_ context.Context, p *patient) []Finding {
	const name = "log"
	if p.running {
		return nil
	}
	if exists(filepath.Join(p.dir, "log")) == nil {
		return one(name, Skipped, "there is none yet: the first start makes it", "")
	}
	l, err := cli.OpenStopped(p.dir)
	switch {
	case errors.Is(err, eventlog.ErrInUse):
		return one(name, Fail, "another process has it open, and does not answer on its socket",
			"fuser -v "+shell.Quote(filepath.Join(p.dir, "log", "LOCK"))+" names it: stop it, or wait until it has started")
	case errors.Is(err, eventlog.ErrNewer):
		return one(name, Fail, err.Error(), "install the version that was here before; nothing was changed")
	case eventlog.IsDamage(err):
		return one(name, Fail, err.Error(), "hpfriends check says what; then take a backup or another node")
	case err != nil:
		return one(name, Fail, err.Error(), "")
	}
	defer l.Close()
	last, term := l.Last()
	found := fmt.Sprintf("it opens; entries #%d to #%d, term %d (hpfriends check reads every byte)", l.Floor(), last, term)
	return append(one(name, OK, found, ""), judgeLogClock(newestTime(l), p.now)...)
}

// newestTime is when the newest entry was made; zero if there is none.
func newestTime(l *eventlog.Log) time.Time {
	last, _ := l.Last()
	appended, err := l.LogStore().Appended(last)
	if err != nil {
		return time.Time{}
	}
	return appended
}

// skew is how far clocks may be apart.
const skew = time.Minute

func judgeLogClock(newest, now time.Time) []Finding {
	const name = "log clock"
	if newest.IsZero() {
		return nil
	}
	if ahead := newest.Sub(now); ahead > skew {
		return one(name, Fail, fmt.Sprintf("the newest entry is of %s, %s from now: the clock of this machine has been set "+
			"back, or was ahead", newest.UTC().Format(time.DateTime+" UTC"), ahead.Round(time.Second)),
			"set the clock (timedatectl set-ntp true) before the server starts: messages expire by it")
	}
	return one(name, OK, "the newest entry is of "+newest.UTC().Format(time.DateTime+" UTC"), "")
}

func checkClock(_ context.Context, _ *patient) []Finding {
	const name = "clock"
	switch yes, known := clockSynchronised(); {
	case !known:
		return one(name, Skipped, "this system does not tell whether its clock is kept right", "")
	case !yes:
		return one(name, Warn, "nothing keeps the clock of this machine right", "timedatectl set-ntp true")
	}
	return one(name, OK, "it is kept right", "")
}

// A backup older than this is worth a warning: a day, and an hour for one that takes long.
const oldBackup = 25 * time.Hour

// checkBackups looks at the newest backup. What is in it is read by backup verify.
func checkBackups(_ context.Context, p *patient) []Finding {
	const name = "backup"
	if p.backups == "" {
		return one(name, Skipped, "no place is named where backups are: --backups DIR", "")
	}
	paths := []string{p.backups}
	if info, err := os.Stat(p.backups); err != nil {
		return one(name, Fail, err.Error(), "name the directory by --backups that `hpfriends backup create` writes to")
	} else if info.IsDir() {
		paths, _ = filepath.Glob(filepath.Join(p.backups, "*"))
	}
	var newest time.Time
	var which string
	for _, path := range paths {
		if d, err := describe(path); err == nil && d.Made.After(newest) {
			newest, which = d.Made, path
		}
	}
	if newest.IsZero() {
		return one(name, Fail, "there is no backup in "+p.backups, "hpfriends backup create "+
			shell.Quote(filepath.Join(p.backups, "FILE")))
	}
	return judgeBackup(which, newest, p.now)
}

func judgeBackup(path string, made, now time.Time) []Finding {
	const name = "backup"
	found := fmt.Sprintf("the newest is %s, made %s ago", path, now.Sub(made).Round(time.Minute))
	if now.Sub(made) > oldBackup {
		return one(name, Warn, found, "every day: hpfriends backup create "+
			shell.Quote(filepath.Join(filepath.Dir(path), "FILE")))
	}
	return one(name, OK, found+" (hpfriends backup verify reads it)", "")
}

// describe reads what a backup says of itself.
func describe(path string) (archive.Description, error) {
	f, err := os.Open(path)
	if err != nil {
		return archive.Description{}, err
	}
	defer f.Close()
	r, err := archive.NewReader(f)
	if err != nil {
		return archive.Description{}, err
	}
	return r.Description, nil
}
