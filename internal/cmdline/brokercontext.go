package cmdline

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/contexts"
	"hpfriends/internal/trust"
)

// BrokerContextFlag returns the flag --context of a command that speaks hpfeeds.
func BrokerContextFlag() cli.Flag {
	return &cli.StringFlag{Name: "context", Aliases: []string{"C"}, EnvVars: []string{"HPFRIENDS_CONTEXT"},
		Usage: "the broker, ident and secret of the context `NAME`; local: none"}
}

// EnterBroker has a command speak to the broker of a context, as if its flags said so: that of --context, else of
// HPFRIENDS_CONTEXT, else the current one if it has a broker. Flags go first; who names a host or port without
// --context gets nothing of any, so that no secret comes to a broker that it is not for.
func EnterBroker(c *cli.Context) error {
	given := func(name string) bool { return onCommandLine(c, name) }
	named := given("context")
	switch {
	case named && (given("host") || given("port")):
		return Usage("--context names a broker, and so does --host or --port: give one of them")
	case !named && (c.IsSet("host") || c.IsSet("port")):
		return nil
	}
	name, at, _, err := findContext(c.String("context"))
	switch {
	case err != nil:
		return err
	case at.Hpfeeds == "" && name != contexts.Local && c.String("context") != "":
		return Usage("the context %s has no broker: add it again with --hpfeeds HOST:PORT --ident IDENT --secret-file FILE",
			name)
	case at.Hpfeeds == "":
		return nil
	}
	return enterBroker(c, name, at)
}

// EnterBrokerBeside is EnterBroker for a command that asks a server, and publishes too: its context has been entered as
// that of the server.
func EnterBrokerBeside(c *cli.Context) error {
	name := c.String("context")
	if name == "" || c.IsSet("host") || c.IsSet("port") { // flags or the environment name the server, or the broker
		return nil
	}
	_, at, _, err := findContext(name)
	if err != nil || at.Hpfeeds == "" {
		return err
	}
	return enterBroker(c, name, at)
}

// TrustedBeside returns how such a command speaks TLS with a broker at a host, if it does: with tls, or when flags say
// whom to trust. What a context says of its server counts for the context's own broker only.
func TrustedBeside(c *cli.Context, host string, tls bool) (*tls.Config, error) {
	_, at, _, err := findContext(cmp.Or(c.String("context"), contexts.Local))
	if err != nil {
		return nil, err
	}
	p := trust.Policy{Host: host, File: c.String("tls-ca"), Pins: c.StringSlice("tls-pin")}
	own, _, _ := net.SplitHostPort(at.Hpfeeds)
	if p.File == at.TLSCA && slices.Equal(p.Pins, at.TLSPins) && (host != own || !at.HpfeedsTLS) {
		p.File, p.Pins = "", nil
	}
	if !tls && p.File == "" && len(p.Pins) == 0 {
		return nil, nil
	}
	return p.Config()
}

// enterBroker sets the flags as the broker of a context has them.
func enterBroker(c *cli.Context, name string, at contexts.Context) (err error) {
	given := func(name string) bool { return onCommandLine(c, name) }
	set := make(map[string]string)
	if set["host"], set["port"], err = net.SplitHostPort(at.Hpfeeds); err != nil {
		return fmt.Errorf("context %s: %w", name, err)
	}
	if at.HpfeedsTLS {
		set["tls"] = "true"
	}
	if !SaysWhomToTrust(c) && at.HpfeedsTLS {
		set["tls-ca"] = at.TLSCA
		for _, pin := range at.TLSPins {
			if err := c.Set("tls-pin", pin); err != nil {
				return err
			}
		}
	}
	if !given("ident") || c.String("ident") == at.Ident {
		set["ident"] = at.Ident
		if !given("secret") && !given("secret-file") {
			set["secret"] = "" // that of the environment is another's
			if set["secret-file"], err = brokerSecret(name); err != nil {
				return err
			}
		}
	}
	for flag, value := range set {
		if err := c.Set(flag, value); err != nil {
			return err
		}
	}
	return nil
}

// brokerSecret returns the file with the secret of a context.
func brokerSecret(name string) (string, error) {
	store, err := contexts.Open()
	if err != nil {
		return "", err
	}
	path, err := store.Secret(name)
	if errors.Is(err, contexts.ErrOpen) {
		err = Fail(ExitDenied, err.Error()+": chmod 0600, and rotate the secret if others may have read it")
	}
	return path, err
}
