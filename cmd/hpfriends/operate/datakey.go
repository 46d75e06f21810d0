package operate

import (
	"context"
	"path/filepath"

	"hpfriends/cmd/hpfriends/cli"
	"hpfriends/internal/datadir"
	"hpfriends/internal/secret"
	"hpfriends/internal/shell"
	"hpfriends/raftfsm/apply"
	"hpfriends/raftfsm/restore"
	"hpfriends/server"
)

const dataKeyCheck = "data key"

// checkDataKey looks whether the data key is there, and tries it on what was sealed with it.
func checkDataKey(_ context.Context, p *patient) []Finding {
	const name = dataKeyCheck
	info := exists(filepath.Join(p.dir, secret.KeyFile))
	hasLog := exists(filepath.Join(p.dir, "log")) != nil
	switch {
	case info == nil && !hasLog:
		return one(name, Skipped, "there is none yet: the first start makes it", "")
	case info == nil:
		return one(name, Fail, "data.key is missing, and the log beside it was written with one: no authkey can log in",
			putBack(p))
	case info.Mode().Perm()&0o077 != 0:
		return one(name, Fail, "others may read it", "see file modes")
	}
	raw, err := secret.RevealDataKey(p.dir)
	if err != nil {
		return one(name, Fail, err.Error(), putBack(p))
	}
	key, err := secret.NewDataKey(raw)
	switch {
	case err != nil:
		return one(name, Fail, err.Error(), putBack(p))
	case p.running:
		return judgeRunningKey(p)
	case !hasLog:
		return one(name, OK, "there, and for its owner only; nothing was sealed with it yet", "")
	}
	return tryDataKey(p, key)
}

// tryDataKey opens a secret of an authkey, as a stopped server has left it.
func tryDataKey(p *patient, key *secret.DataKey) []Finding {
	const name = dataKeyCheck
	l, err := cli.OpenStopped(p.dir)
	if err != nil { // which is what checkLog tells of
		return one(name, Skipped, "it is there; whether it fits cannot be told, since the log does not open", "")
	}
	defer l.Close()
	g, err := apply.Graph(l)
	if err != nil {
		return one(name, Skipped, "it is there; whether it fits cannot be told: "+err.Error(), "hpfriends check says more")
	}
	sealed := 0
	for k := range g.Authkeys() {
		if len(k.Secret) > 0 {
			sealed++
		}
	}
	last, _ := l.Last()
	switch {
	case sealed == 0 && last > l.Applied():
		return one(name, Skipped, "it is there; whether it fits can be told when the server has started again, and "+
			"applied what it had stored when it was killed", "")
	case sealed == 0:
		return one(name, OK, "there, and for its owner only; nothing was sealed with it yet", "")
	}
	if err := server.FitsDataKey(key, g); err == nil {
		return one(name, OK, "it opens the secrets of authkeys; keep a copy elsewhere (hpfriends backup data-key export)", "")
	}
	if done, err := restore.Read(p.dir); err == nil && done != nil && done.NoKey {
		return one(name, Warn, "this directory was restored without its data key: no authkey of before can log in",
			"hpfriends authkey rotate IDENT for each, or restore again with --data-key")
	}
	return one(name, Fail, "data.key is of another directory: it opens no secret of an authkey, and no server starts",
		putBack(p))
}

// judgeRunningKey: a server has tried its key when it started, and keeps it in memory.
func judgeRunningKey(p *patient) []Finding {
	started := exists(filepath.Join(p.dir, datadir.AddressesFile))
	written := exists(filepath.Join(p.dir, secret.KeyFile))
	if started != nil && written != nil && written.ModTime().After(started.ModTime()) {
		return one(dataKeyCheck, Warn, "data.key was written after the server had started, which uses the one before",
			putBack(p)+"; or stop the server and run this again, which tries the new one")
	}
	return one(dataKeyCheck, OK, "the server has opened secrets with it; keep a copy elsewhere "+
		"(hpfriends backup data-key export)", "")
}

// putBack says how a directory comes to its key again, or the settings to the directory of the key.
func putBack(p *patient) string {
	do := "put back " + shell.Quote(filepath.Join(p.dir, secret.KeyFile)) +
		": from another node of the cluster, or restore a backup with --data-key into a new directory"
	if line := cli.SettingLine(p.config, "data-dir"); p.config != "" && line != "" {
		do += "; if this is not the directory, " + line + ": change data-dir"
	}
	return do
}
