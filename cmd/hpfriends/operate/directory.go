package operate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hpfriends/internal/datadir"
	"hpfriends/internal/secret"
	"hpfriends/internal/shell"
	"hpfriends/internal/term"
)

func checkDirectory(_ context.Context, p *patient) []Finding {
	const name = "directory"
	info, err := os.Stat(p.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return one(name, Warn, p.dir+" is not there: nothing was ever kept there",
			"name the server's directory by --data-dir, or start the server, which makes it")
	case err != nil:
		return one(name, Fail, err.Error(), "run this as the user of the server, or as root")
	case !info.IsDir():
		return one(name, Fail, p.dir+" is no directory", "name the server's directory by --data-dir")
	}
	if _, err := os.ReadDir(p.dir); err != nil {
		return one(name, Fail, err.Error(), "run this as the user of the server, or as root")
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return []Finding{{
			Check: name, Verdict: Fail, Found: fmt.Sprintf("%s is open to other users (mode %04o)", p.dir, mode),
			Do: "chmod 0700 " + shell.Quote(p.dir), mend: func() error { return os.Chmod(p.dir, 0o700) },
		}}
	}
	return one(name, OK, p.dir+", for its owner only", "")
}

// ours are the files of a data directory that nobody else may read, and those that nobody else may write.
var (
	unreadable = []string{secret.KeyFile, "stable.db", "synced.note", datadir.AddressesFile, datadir.Socket, "log"}
	unwritable = "log"
)

// checkModes looks at the files in the data directory. What lies deeper is behind a directory for its owner only.
func checkModes(_ context.Context, p *patient) (all []Finding) {
	const name = "file modes"
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return nil // checkDirectory has said why
	}
	defer root.Close()
	looked := 0
	look := func(file string, forbidden fs.FileMode, is string) {
		info, err := root.Lstat(file)
		if err != nil || info.Mode()&fs.ModeSymlink != 0 {
			return
		}
		looked++
		mode := info.Mode().Perm()
		if mode&forbidden == 0 {
			return
		}
		path, want := filepath.Join(p.dir, file), mode&^forbidden
		found := fmt.Sprintf("%s may be %s by others (mode %04o)", path, is, mode)
		if file == secret.KeyFile {
			found += "; the server refuses it, and the secrets of authkeys may be known"
		}
		all = append(all, Finding{
			Check: name, Verdict: Fail, Found: found, Do: fmt.Sprintf("chmod %04o %s", want, shell.Quote(path)),
			mend: func() error { return chmod(p.dir, file, want) },
		})
	}
	for _, file := range unreadable {
		look(file, 0o077, "read")
	}
	entries, _ := os.ReadDir(filepath.Join(p.dir, unwritable))
	for _, e := range entries {
		look(filepath.Join(unwritable, e.Name()), 0o022, "written")
	}
	if len(all) == 0 && looked > 0 {
		return one(name, OK, term.Count(looked, "file", "files")+", for the owner only", "")
	}
	return all
}

// chmod changes a file of a directory. It follows no link that leads out of it: the directory may belong to somebody
// else than root, who runs this.
func chmod(dir, file string, mode fs.FileMode) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.Chmod(file, mode)
}

// checkOwner finds files that somebody else has left there: a command that was run as root, most often.
func checkOwner(_ context.Context, p *patient) []Finding {
	const name = "owner"
	info, err := os.Stat(p.dir)
	if err != nil {
		return nil
	}
	owner, ok := ownerOf(info)
	if !ok {
		return one(name, Skipped, "this system does not tell who owns a file", "")
	}
	var others []string
	err = filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := d.Info(); err == nil {
			if uid, _ := ownerOf(info); uid != owner {
				others = append(others, path)
			}
		}
		return nil
	})
	switch me := os.Geteuid(); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return one(name, Skipped, err.Error(), "run this as the user of the server, or as root")
	case len(others) > 0:
		found := fmt.Sprintf("%s belongs to %s, but of what is in it %s not: %s", p.dir, userName(owner),
			term.Count(len(others), "file does", "files do"), some(others))
		return one(name, Fail, found, fmt.Sprintf("chown -R %s: %s", userName(owner), shell.Quote(p.dir)))
	case me != 0 && me != owner:
		return one(name, Fail, fmt.Sprintf("%s belongs to %s, and this runs as %s", p.dir, userName(owner), userName(me)),
			fmt.Sprintf("sudo -u %s hpfriends ...", userName(owner)))
	}
	return one(name, OK, "all of it belongs to "+userName(owner), "")
}

// checkSecretFiles looks at files elsewhere that have secrets. A group may read the key of a certificate: Debian has
// one for that.
func checkSecretFiles(_ context.Context, p *patient) (all []Finding) {
	files := map[string]string{p.settings.JoinTokenFile: "join token", p.settings.TLS.Key: "TLS key"}
	for _, l := range p.settings.Listeners() {
		if l.Endpoint.TLS != nil {
			_, key := p.settings.CertFiles(*l.Endpoint.TLS)
			files[key] = "TLS key"
		}
	}
	for path, name := range files {
		info, err := os.Stat(path)
		if path == "" || path == "-" || err != nil || !info.Mode().IsRegular() {
			continue
		}
		if mode := info.Mode().Perm(); mode&0o007 != 0 {
			want := mode &^ 0o007
			all = append(all, Finding{
				Check: name, Verdict: Fail, Found: fmt.Sprintf("%s may be read by everybody (mode %04o)", path, mode),
				Do: fmt.Sprintf("chmod %04o %s", want, shell.Quote(path)), mend: func() error { return os.Chmod(path, want) },
			})
		}
	}
	return all
}

// checkLeftovers finds what a server that was killed has left. The next one replaces it; until then commands that read
// it ask where nobody is.
func checkLeftovers(_ context.Context, p *patient) (all []Finding) {
	if p.running {
		return nil
	}
	for _, file := range []string{datadir.AddressesFile, datadir.Socket} {
		path := filepath.Join(p.dir, file)
		if exists(path) != nil {
			all = append(all, Finding{
				Check: "left over", Verdict: Warn, Found: path + " is of a server that does not run any more",
				Do: "rm " + shell.Quote(path), mend: func() error { return os.Remove(path) },
			})
		}
	}
	return all
}

// some are the first of many names.
func some(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}
