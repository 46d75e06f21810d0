package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"time"

	"hpfriends/api"
	"hpfriends/definitions"
	"hpfriends/importer"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/secret"
)

// authSource is a key store that a server follows.
type authSource struct {
	name string
	read func() (importer.Store, error)
	path string // empty: it does not change
}

func authSources(names []string) (all []authSource, err error) {
	for _, name := range names {
		s := authSource{name: name, path: name}
		switch {
		case name == "env":
			s.path = ""
			s.read = func() (importer.Store, error) { return importer.Env(os.Environ()) }
		case strings.HasPrefix(name, "mongo"), strings.HasPrefix(name, "database+"):
			return nil, cmdline.Usage("--auth %s: a database server is not asked; take its keys over once: hpfriends import "+
				"hpfeeds --mongo-export FILE, or --sql-export FILE", strings.SplitN(name, ":", 2)[0])
		case strings.HasSuffix(name, ".json"):
			s.read = func() (importer.Store, error) { return importer.JSON(name) }
		default:
			s.read = func() (importer.Store, error) { return importer.SQLite(name) }
		}
		if s.path != "" {
			if _, err := os.Stat(s.path); err != nil {
				return nil, cmdline.Usage("--auth %s: %v", name, errors.Unwrap(err))
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// stamp changes when the store does.
func (s authSource) stamp() (text string) {
	if s.path == "" {
		return ""
	}
	for _, end := range []string{"", "-wal"} {
		if info, err := os.Stat(s.path + end); err == nil {
			text += fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size(), ";")
		}
	}
	return text
}

// followed is what the authkeys and shares of followed stores say of themselves. Nothing else is changed or removed.
const followed = "from the key store of --auth"

// follower keeps a server as its sources are. What is in the log already is served from the start; a change of a source
// takes effect within pollEvery.
type follower struct {
	sources []authSource
	server  *api.Client
	logger  *slog.Logger

	stamp   string                   // of the sources, when they were taken over last
	told    string                   // what was last said of them
	secrets map[string]secret.Secret // of authkeys, as they were made
}

const pollEvery = time.Second

// run ends when ctx is done.
func (f *follower) run(ctx context.Context) {
	if len(f.sources) == 0 {
		return
	}
	f.secrets = make(map[string]secret.Secret)
	for wait := time.Duration(0); ; wait = pollEvery {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		stamp := "-"
		for _, s := range f.sources {
			stamp += s.stamp() + "|"
		}
		if stamp == f.stamp {
			continue
		}
		var starting *api.ConnectionError
		if err := f.follow(ctx); err == nil {
			f.stamp = stamp
		} else if ctx.Err() == nil && !(f.stamp == "" && errors.As(err, &starting)) {
			f.tell(slog.LevelError, "the authkeys of --auth stay as they were", "err", err)
		}
	}
}

// tell says something unless that was said last.
func (f *follower) tell(level slog.Level, message string, args ...any) {
	if text := fmt.Sprint(level, message, args); text != f.told {
		f.told = text
		f.logger.Log(context.Background(), level, message, args...)
	}
}

func (f *follower) follow(ctx context.Context) error {
	store, err := f.read()
	if err != nil {
		return err
	}
	plan := store.Plan(importer.Options{Sharing: true, Comment: followed, Note: followed})
	have, err := definitions.Fetch(ctx, f.server)
	if err != nil {
		return err
	}
	want, others := ours(have, plan.Document)
	for i, k := range have.Authkeys {
		if s, ok := f.secrets[k.Ident]; ok {
			have.Authkeys[i].Secret = s
		}
	}
	if err := have.Compare(ctx, f.server, want.Authkeys, func(_, _ uint64) {}); err != nil {
		return err
	}
	changes, conflicts := definitions.Diff(have, want, definitions.Mode{
		Drop: func(_, comment string) bool { return comment == followed },
	})
	if err := definitions.Apply(ctx, f.server, changes, func() {}); err != nil {
		clear(f.secrets)
		return err
	}
	clear(f.secrets)
	for _, k := range want.Authkeys {
		f.secrets[k.Ident] = k.Secret
	}
	var notes []string
	for _, p := range plan.Problems {
		notes = append(notes, p.String())
	}
	for _, c := range conflicts {
		notes = append(notes, c.String())
	}
	said := []any{"authkeys", len(want.Authkeys), "changes", len(changes)}
	if notes = append(notes, others...); len(notes) > 0 {
		said = append(said, "not taken", notes)
	}
	f.tell(slog.LevelInfo, "the authkeys of --auth are served", said...)
	return nil
}

// read merges the sources: of each ident, the first counts.
func (f *follower) read() (all importer.Store, err error) {
	seen := make(map[string]bool)
	for _, source := range f.sources {
		s, err := source.read()
		if err != nil {
			return all, err
		}
		all.Problems = append(all.Problems, s.Problems...)
		own := make(map[string]bool)
		for _, k := range s.Keys {
			if !seen[k.Ident] {
				all.Keys = append(all.Keys, k)
				own[k.Ident] = true
			}
		}
		maps.Copy(seen, own)
	}
	return all, nil
}

// ours is what of a document a follower may see to: users who are not there yet, authkeys and shares that are not there
// or its own. others says which idents belong to somebody else. What a receiver has disabled stays so.
func ours(have definitions.State, d definitions.Document) (want definitions.Document, others []string) {
	users, keys := make(map[string]bool), make(map[string]bool)
	for _, u := range have.Users {
		users[strings.ToLower(u.Handle)] = true
	}
	for _, k := range have.Authkeys {
		keys[k.Ident] = k.Comment != followed
	}
	for _, u := range d.Users {
		if !users[strings.ToLower(u.Handle)] {
			want.Users = append(want.Users, u)
		}
	}
	for _, k := range d.Authkeys {
		if keys[k.Ident] {
			others = append(others, fmt.Sprintf("authkey %q: it is in the log of this broker, which counts", k.Ident))
		} else {
			want.Authkeys = append(want.Authkeys, k)
		}
	}
	for _, s := range d.Shares {
		old, ok := have.Share(s)
		switch {
		case ok && old.Note != followed:
			continue
		case ok && len(old.DisabledBy) > 0:
			s.EnabledBy = nil
		}
		want.Shares = append(want.Shares, s)
	}
	return want, others
}
