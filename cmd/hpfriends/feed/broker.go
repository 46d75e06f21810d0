package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/secret"
	"hpfriends/internal/term"
	"hpfriends/internal/trust"
	"hpfriends/wire"
)

// nameList is a flag that may be given again and again. A value is never cut at a comma, since channels and file names
// may contain one; a repeated value counts once.
type nameList struct{ names []string }

// Set adds one value.
func (l *nameList) Set(s string) error {
	if !slices.Contains(l.names, s) {
		l.names = append(l.names, s)
	}
	return nil
}

// String is for the help text, which has nothing to show.
func (l *nameList) String() string { return "" }

// Serialize is what the library passes to Set again for each alias of the flag: a value that is there already.
func (l *nameList) Serialize() string { return l.names[0] }

// namesOf returns the values of a nameList flag.
func namesOf(c *cli.Context, flag string) []string {
	if l, ok := c.Generic(flag).(*nameList); ok {
		return l.names
	}
	return nil
}

// brokerFlags say how to reach a broker and as whom.
func brokerFlags() []cli.Flag {
	env := func(name string) []string { return []string{"HPFRIENDS_" + name} }
	return []cli.Flag{
		&cli.StringFlag{Name: "ident", Aliases: []string{"i"}, EnvVars: env("IDENT"), Usage: "`IDENT` of the authkey"},
		&cli.StringFlag{Name: "secret", Aliases: []string{"s"}, EnvVars: env("SECRET"),
			Usage: "`SECRET` of the authkey; other users of the machine can see it"},
		&cli.StringFlag{Name: "secret-file", EnvVars: env("SECRET_FILE"),
			Usage: "`FILE` with the secret, - for standard input"},
		&cli.StringFlag{Name: "host", EnvVars: env("HOST"), Value: "127.0.0.1", Usage: "broker `HOST`"},
		&cli.IntFlag{Name: "port", Aliases: []string{"p"}, EnvVars: env("PORT"), Value: wire.DefaultPort,
			Usage: "broker `PORT`"},
		&cli.GenericFlag{Name: "channel", Aliases: []string{"c", "chan"}, EnvVars: env("CHANNEL"), Value: &nameList{},
			Usage: "`CHANNEL` (repeat for more)"},
		&cli.BoolFlag{Name: "tls", EnvVars: env("TLS"), Usage: "connect with TLS"},
		cmdline.AuthorityFlag("certificates to trust, of a broker or its authority; implies --tls"),
		cmdline.PinFlag("implies --tls"),
	}
}

// dialConfig reads brokerFlags. stdin is where a secret of "-" comes from.
func dialConfig(c *cli.Context, stdin io.Reader) (d wire.DialConfig, channels []string, err error) {
	if err = cmdline.EnterBroker(c); err != nil {
		return d, nil, err
	}
	if d, err = loginOf(c, stdin); err != nil {
		return d, nil, err
	}
	if channels = namesOf(c, "channel"); len(channels) == 0 {
		return d, nil, errors.New("no channel: give -c CHANNEL")
	}
	return d, channels, err
}

// loginOf reads which broker, and as whom.
func loginOf(c *cli.Context, stdin io.Reader) (d wire.DialConfig, err error) {
	d.Ident = c.String("ident")
	if d.Ident == "" {
		return d, errors.New("no ident: give -i IDENT or set HPFRIENDS_IDENT")
	}
	port := c.Int("port")
	if port < 1 || port > 65535 {
		return d, fmt.Errorf("port %d: want 1 to 65535", port)
	}
	host, err := hostOf(c.String("host"))
	if err != nil {
		return d, err
	}
	d.Addr = net.JoinHostPort(host, strconv.Itoa(port))
	if d.Secret, err = secretOf(c, stdin); err != nil {
		return d, err
	}
	if wantsTLS(c) {
		d.TLS, err = cmdline.Trusted(c, host)
	}
	return d, err
}

// wantsTLS reports whether the flags ask for TLS.
func wantsTLS(c *cli.Context) bool { return c.Bool("tls") || cmdline.SaysWhomToTrust(c) }

// hostOf reads a name or an address; IPv6 may be in brackets, as it is elsewhere.
func hostOf(text string) (string, error) {
	host := text
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		host = text[1 : len(text)-1]
	}
	if _, err := netip.ParseAddr(host); err != nil && (host != text || strings.ContainsAny(host, ":[]/")) {
		return "", fmt.Errorf("--host %s: want a name or an address, like broker.example, 192.0.2.1, ::1 or [::1]; "+
			"the port is -p PORT", strconv.QuoteToASCII(text))
	}
	return host, nil
}

func secretOf(c *cli.Context, stdin io.Reader) ([]byte, error) {
	file := c.String("secret-file")
	switch {
	case c.String("secret") != "":
		if os.Getenv("HPFRIENDS_SECRET") != c.String("secret") {
			term.WarnSecret(c.App.ErrWriter, "--secret-file FILE, or HPFRIENDS_SECRET in the environment")
		}
		return []byte(c.String("secret")), nil
	case file == "":
		return nil, errors.New("no secret: give --secret-file FILE, -s SECRET or set HPFRIENDS_SECRET")
	}
	data, err := secret.ReadFile(file, stdin)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	return data, nil
}

// badUsage makes a mistake in the command line of an error that is not something else already.
func badUsage(err error) error {
	if _, ok := errors.AsType[*cmdline.Failure](err); ok {
		return err
	}
	return cmdline.Usage("%v", err)
}

// connectionFailure gives an error of a connection its exit code: the broker's refusal is 4, a connection that is not
// there 6.
func connectionFailure(err error) error {
	var refusal *wire.BrokerError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return cmdline.Fail(cmdline.ExitDenied,
			"the broker refused: "+term.Visible(refusal.Text)+" (the Logs of the authkey's owner say more)")
	case errors.Is(err, context.Canceled):
		return cmdline.Fail(cmdline.ExitInterrupted, "")
	}
	if hint := trust.Hint(err); hint != "" {
		return cmdline.Fail(cmdline.ExitUnavailable, hint+" ("+err.Error()+")")
	}
	return cmdline.Fail(cmdline.ExitUnavailable, err.Error())
}
