// Package backup is the command backup: what is asked of a server, of the directory of a stopped one, and of files.
package backup

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	urfave "github.com/urfave/cli/v2"

	"hpfriends/api"
	archive "hpfriends/backup"
	"hpfriends/cmd/hpfriends/cli"
	"hpfriends/internal/atomicfile"
	"hpfriends/internal/buildinfo"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/raftfsm"
)

// Command returns the command backup.
func Command() *urfave.Command {
	return &urfave.Command{
		Name: "backup", Usage: "a file of everything that a node has, and a new node of it",
		Description: `A backup is taken of a running server, through the socket in its data
directory, or of the data directory of a stopped one. It is verified before
it gets its name. The secrets of authkeys in it cannot be read without the
data key, which is not in it: export that once, and keep it elsewhere.`,
		Subcommands: []*urfave.Command{
			cmdline.APICommand("create", "write a backup, and verify it", "FILE", createBackup,
				&urfave.BoolFlag{Name: "no-history", Usage: "users, shares, authkeys, cursors, audit ..., without past messages"},
				&urfave.StringFlag{Name: "after", Usage: "only what came after `OLDER`, a backup: both are needed to restore it"}),
			fileCommand("verify", "read all of a backup: exit 1 if anything in it is damaged or missing", verifyBackup),
			fileCommand("inspect", "show whose backup it is, and what is in it", inspectBackup),
			restoreBackup(),
			{Name: "data-key", Usage: "the key of the secrets in backups", Subcommands: []*urfave.Command{exportDataKey()}},
		},
	}
}

func fileCommand(name, usage string, action func(*urfave.Context) error) *urfave.Command {
	return &urfave.Command{
		Name: name, Usage: usage, ArgsUsage: "FILE", Flags: []urfave.Flag{
			cmdline.DataDirFlag(), &urfave.BoolFlag{Name: "json", Usage: "print JSON"},
		},
		Action: func(c *urfave.Context) error {
			if _, err := cmdline.Args(c); err != nil {
				return err
			}
			return action(c)
		},
	}
}

// backupReport is what is printed of a backup.
type backupReport struct {
	File     string `json:"file"`
	Size     uint64 `json:"size"`
	Verified bool   `json:"verified"` // all of it was read, and is as it was written
	archive.Description
	Totals *archive.End `json:"totals"`
}

func createBackup(c *urfave.Context, server *api.Client) error {
	path := c.Args().First()
	if _, err := os.Lstat(path); err == nil {
		return cmdline.Fail(cmdline.ExitConflict, path+" is there already: name a file that is not")
	}
	p := term.NewProgress(c.App.ErrWriter, "entries", 0)
	defer p.Clear()
	r := archive.Request{NoHistory: c.Bool("no-history")}
	if older := c.String("after"); older != "" {
		if r.NoHistory {
			return cmdline.Usage("a backup without history goes on from no other: leave out --after or --no-history")
		}
		b, err := readBackup(older, archive.Verify, p, "entries of "+filepath.Base(older)+" verified")
		if err != nil {
			return err
		}
		r.After = new(b.Base())
	}
	write := func(w io.Writer) error { return ask(c, server, r, w, p) }
	if c.String("server") == "" && !cli.ServerRuns(c.String("data-dir")) {
		write = func(w io.Writer) error { return backupStopped(c, r, w, p) }
	}
	var made *archive.Reader
	err := atomicfile.Fill(path, 0o600, func(w io.Writer) (err error) {
		if err := write(w); err != nil {
			return err
		}
		f := w.(io.ReadSeeker) // see Fill
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		made, err = archive.Verify(f, func(done, total uint64) { p.Tally("entries verified", done, total) })
		return err
	})
	if err != nil {
		return backupFailed(err)
	}
	p.Clear()
	if first, last := made.Left(); first != 0 {
		fmt.Fprintf(c.App.ErrWriter, "entries #%d to #%d are not in it: the state before them is not kept any more\n",
			first, last)
	}
	return showBackup(c, path, made, true)
}

// ask takes the backup of a running server.
func ask(c *urfave.Context, server *api.Client, r archive.Request, w io.Writer, p *term.Progress) error {
	q := api.BackupQuery{NoHistory: r.NoHistory}
	if a := r.After; a != nil {
		q.Backup, q.Cluster, q.After, q.Term = a.Backup, a.Cluster, a.Index, a.Term
	}
	body, err := api.MakeBackup.Open(c.Context, server, q)
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = archive.Skim(io.TeeReader(body, w), func(done, total uint64) { p.Tally("entries", done, total) })
	return err
}

// backupStopped makes the backup of a directory that no server uses.
func backupStopped(c *urfave.Context, r archive.Request, w io.Writer, p *term.Progress) (err error) {
	dir := c.String("data-dir")
	log, err := cli.OpenStopped(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if last, _ := log.Last(); last > log.Applied() {
		return cmdline.Fail(cmdline.ExitUnavailable, fmt.Sprintf("the server on %s did not stop in good order, and has yet "+
			"to apply what it has stored: start it, and make the backup while it runs", dir))
	}
	cluster, node, err := raftfsm.StoredIdentity(dir)
	if err != nil {
		return err
	}
	origin := archive.Origin{Cluster: cluster, Node: node, Program: "hpfriends " + buildinfo.Version()}
	s, err := archive.Open(log, origin, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Write(c.Context, w, func(index uint64) { p.Tally("entries", index+1-s.First, s.Last+1-s.First) })
}

func verifyBackup(c *urfave.Context) error {
	p := term.NewProgress(c.App.ErrWriter, "", 0)
	b, err := readBackup(c.Args().First(), archive.Verify, p, "entries verified")
	p.Clear()
	if err != nil {
		return err
	}
	return showBackup(c, c.Args().First(), b, true)
}

func inspectBackup(c *urfave.Context) error {
	p := term.NewProgress(c.App.ErrWriter, "", 0)
	b, err := readBackup(c.Args().First(), archive.Skim, p, "entries read")
	p.Clear()
	if err != nil {
		return err
	}
	return showBackup(c, c.Args().First(), b, false)
}

// readBackup reads a file by one of the ways of package backup.
func readBackup(path string, read func(io.Reader, func(done, total uint64)) (*archive.Reader, error), p *term.Progress,
	what string) (*archive.Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cmdline.Fail(cmdline.ExitNotFound, err.Error())
	}
	defer f.Close()
	b, err := read(f, func(done, total uint64) { p.Tally(what, done, total) })
	if err != nil {
		return nil, backupFailed(fmt.Errorf("%s: %w", path, err))
	}
	return b, nil
}

// backupFailed gives an error its exit code.
func backupFailed(err error) error {
	if errors.Is(err, archive.ErrRefused) {
		return cmdline.Fail(cmdline.ExitConflict, err.Error())
	}
	return err
}

func showBackup(c *urfave.Context, path string, b *archive.Reader, verified bool) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	r := backupReport{
		File: path, Size: uint64(info.Size()), Verified: verified, Description: b.Description, Totals: b.End,
	}
	return cmdline.Show(c, r, func(w io.Writer) { printBackup(w, r) })
}

func printBackup(w io.Writer, r backupReport) {
	verified := ""
	if r.Verified {
		verified = ", verified"
	}
	fmt.Fprintf(w, "backup   %s, %s%s\n", term.Visible(r.ID), humanize.IBytes(r.Size), verified)
	fmt.Fprintf(w, "made     %s of node %s, cluster %s, by %s\n", r.Made.Local().Format(time.RFC3339),
		term.Visible(r.Node), term.Visible(r.Cluster), term.Visible(r.Program))
	switch {
	case r.After != nil:
		fmt.Fprintf(w, "goes on  from backup %s, entry #%d: it is restored behind it\n", term.Visible(r.After.Backup),
			r.After.Index)
	case r.State == r.Last:
		fmt.Fprintf(w, "state    as of entry #%d, without past messages\n", r.State)
	case r.State != 0:
		fmt.Fprintf(w, "state    as of entry #%d, behind which the history goes on\n", r.State)
	}
	if r.First <= r.Last {
		fmt.Fprintf(w, "history  entries #%d to #%d: %s, %s in the log\n", r.First, r.Last,
			term.Count(r.Totals.Messages, "message", "messages"), humanize.IBytes(r.Totals.Bytes))
	}
}
