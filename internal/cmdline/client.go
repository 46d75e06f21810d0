package cmdline

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/contexts"
	"hpfriends/internal/secret"
)

// newClient returns a client of the server that the flags name.
func newClient(c *cli.Context) (*api.Client, error) {
	server := c.String("server")
	if server == "" {
		return api.Local(c.String("data-dir")).As(c.String("as")), nil
	}
	remote, err := remote(c, server)
	if err != nil {
		return nil, err
	}
	if user := c.String("user"); user != "" { // token add: the first token is made with a password
		password, err := ReadSecret(c.String("password-file"))
		if err == nil && password == "" {
			err = Usage("--user needs --password-file")
		}
		return remote.WithPassword(user, secret.New(password)), err
	}
	token, err := ReadSecret(c.String("token-file"))
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, Usage("--server needs --token-file")
	}
	if c.String("as") != "" {
		return nil, Usage("--as is for the local socket: a token acts as its owner")
	}
	client := remote.WithToken(secret.New(token))
	client.Warn = endsSoon(c)
	return client, nil
}

// endsSoon tells once, whatever the command does, that its token ends.
func endsSoon(c *cli.Context) func(time.Time) {
	var once sync.Once
	return func(ends time.Time) {
		once.Do(func() {
			fmt.Fprintf(c.App.ErrWriter, "hpfriends: this API token ends at %s: make another one with `hpfriends token add`\n",
				ends.UTC().Format(time.RFC3339))
		})
	}
}

// remote returns a client of the server at a URL.
func remote(c *cli.Context, server string) (*api.Client, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" {
		if err == nil && SaysWhomToTrust(c) {
			err = Usage("--tls-ca and --tls-pin are about TLS: want --server https://…")
		}
		return api.Remote(server), err
	}
	tc, err := Trusted(c, u.Hostname())
	if err != nil {
		return nil, Usage("%v", err)
	}
	return api.Remote(server).WithTLS(tc), nil
}

// answered gives an error of the API its exit code, and says what to do where no server was reached.
func answered(c *cli.Context, err error) error {
	var p *api.Problem
	var broken *api.ConnectionError
	switch {
	case errors.As(err, &p):
		return refused(p)
	case !errors.As(err, &broken):
		return err
	case errors.Is(err, fs.ErrPermission):
		return Fail(ExitDenied, "this data directory belongs to somebody else: only its owner may use its socket")
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED):
		return Fail(ExitUnavailable, err.Error())
	case c.String("server") != "":
		text := "no server answers at " + c.String("server")
		if name := c.String("context"); name != "" && name != contexts.Local {
			text += ", of the context " + name + " (`hpfriends context use local` is back to the data directory)"
		}
		return Fail(ExitUnavailable, text)
	}
	dir := c.String("data-dir")
	return Fail(ExitUnavailable,
		fmt.Sprintf("no server is running on %s: start it with `hpfriends serve --data-dir %s`", dir, dir))
}

// exitCodes are those of refusals; others end with ExitFailed.
var exitCodes = map[int]int{
	http.StatusNotFound: ExitNotFound, http.StatusForbidden: ExitDenied, http.StatusUnauthorized: ExitDenied,
	http.StatusConflict: ExitConflict, http.StatusServiceUnavailable: ExitUnavailable,
	http.StatusTooManyRequests: ExitUnavailable, http.StatusUnprocessableEntity: ExitUsage,
	http.StatusBadRequest: ExitUsage,
}

func refused(p *api.Problem) error {
	r := &Refusal{code: ExitFailed, text: p.Detail, Hint: p.Hint}
	if code, ok := exitCodes[p.Status]; ok {
		r.code = code
	}
	if r.Hint == "say on whose behalf" {
		r.Hint += ": --as USER"
	}
	return r
}
