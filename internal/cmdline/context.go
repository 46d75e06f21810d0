package cmdline

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/contexts"
)

func contextFlag() cli.Flag {
	return &cli.StringFlag{Name: "context", Aliases: []string{"C"}, EnvVars: []string{"HPFRIENDS_CONTEXT"},
		Usage: "ask the server of the context `NAME`; local: that of the data directory"}
}

// enterContext has a command ask the server of a context, as if its flags said so. What is said more closely goes
// first: flags, --context, the server or data directory in the environment, HPFRIENDS_CONTEXT, the current context. A
// user, token or authority in the environment is of another server, and not used for that of a context.
func enterContext(c *cli.Context) error {
	given := func(name string) bool { return onCommandLine(c, name) }
	named := given("context")
	switch {
	case named && (given("server") || given("data-dir")):
		return Usage("--context names a server, and so does --server or --data-dir: give one of them")
	case !named && (c.String("server") != "" || c.IsSet("data-dir") && c.String("data-dir") != ""):
		return c.Set("context", "")
	}
	name, at, token, err := findContext(c.String("context"))
	if err != nil {
		return err
	}
	set := map[string]string{"context": name}
	if named || name != contexts.Local {
		set["server"] = at.Server
	}
	if at.DataDir != "" {
		set["data-dir"] = at.DataDir
	}
	if name != contexts.Local {
		for flag, value := range map[string]string{"as": at.As, "token-file": token, "tls-ca": at.TLSCA} {
			if !given(flag) {
				set[flag] = value
			}
		}
	}
	for flag, value := range set {
		if err := c.Set(flag, value); err != nil {
			return err
		}
	}
	for _, pin := range at.TLSPins {
		if err := c.Set("tls-pin", pin); err != nil {
			return err
		}
	}
	return nil
}

// onCommandLine reports whether a flag was given, and not by its environment variable only. The library does not tell:
// a flag that repeats what the variable says counts as not given.
func onCommandLine(c *cli.Context, name string) bool {
	i := slices.IndexFunc(c.Command.Flags, func(f cli.Flag) bool { return f.Names()[0] == name })
	if i < 0 || !c.IsSet(name) {
		return false
	}
	for _, variable := range c.Command.Flags[i].(cli.DocGenerationFlag).GetEnvVars() {
		if value, ok := os.LookupEnv(variable); ok {
			return value != c.String(name)
		}
	}
	return true
}

// findContext returns a context, or the current one for "", and the file of its token.
func findContext(name string) (found string, at contexts.Context, token string, err error) {
	if name == contexts.Local {
		return name, at, "", nil
	}
	store, err := contexts.Open()
	if err != nil {
		if name == "" { // who has no home has no contexts
			return contexts.Local, at, "", nil
		}
		return "", at, "", err
	}
	all, err := store.Load()
	if err != nil {
		return "", at, "", err
	}
	if name == "" {
		name = all.Current
	}
	if name == contexts.Local {
		return name, at, "", nil
	}
	at, ok := all.Contexts[name]
	if !ok {
		return "", at, "", Fail(ExitNotFound, fmt.Sprintf("there is no context %q%s: `hpfriends context ls` has them", name,
			Suggest(name, all.Names())))
	}
	if token, err = store.Token(name); errors.Is(err, contexts.ErrOpen) {
		err = Fail(ExitDenied, err.Error()+": chmod 0600, and replace the token if others may have read it")
	}
	return name, at, token, err
}
