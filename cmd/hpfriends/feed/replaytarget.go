package feed

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/wire"
)

// target is where messages are published.
type target struct {
	dial    wire.DialConfig
	channel string // empty: the one each came on
	ours    bool   // the broker is known to be of ours
	wait    Patience
}

// targetOf reads --to; nil is stdout.
func targetOf(c *cli.Context) (*target, error) {
	to := c.String("to")
	t := &target{wait: waitOf(c)}
	kind, rest, _ := strings.Cut(to, ":")
	var err error
	switch kind {
	case "stdout", "-":
		if to != kind {
			return nil, fmt.Errorf("--to %s: stdout takes nothing more", term.Visible(to))
		}
		return nil, nil
	case "channel":
		t.channel, t.ours = rest, true
		if !c.Bool("dry-run") {
			err = t.login(c)
		}
	case "hpfeeds", "hpfeeds+tls":
		err = t.parse(c, to)
	default:
		return nil, fmt.Errorf("--to %q: want stdout, channel:NAME, or hpfeeds://[IDENT[:SECRET]@]HOST[:PORT][/CHANNEL] "+
			"(hpfeeds+tls:// with TLS)", to)
	}
	if len(t.channel) > wire.MaxName || strings.HasPrefix(t.channel, "$") {
		return nil, fmt.Errorf("--to: channel %q: want at most %d bytes, not beginning with $", t.channel, wire.MaxName)
	}
	return t, err
}

// login is at the broker of the context whose server is asked, or at that of the flags.
func (t *target) login(c *cli.Context) (err error) {
	if err = cmdline.EnterBrokerBeside(c); err != nil {
		return err
	}
	if t.dial, err = loginOf(c, c.App.Reader); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(t.dial.Addr)
	if err == nil {
		t.dial.TLS, err = cmdline.TrustedBeside(c, host, c.Bool("tls"))
	}
	return err
}

// parse reads an address. What it leaves out is taken from the flags.
func (t *target) parse(c *cli.Context, to string) error {
	u, err := url.Parse(to)
	if err != nil { // which would repeat the secret
		return fmt.Errorf("--to: this is no address: want hpfeeds://[IDENT[:SECRET]@]HOST[:PORT][/CHANNEL], with %%XX for " +
			"other characters in the names")
	}
	if u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("--to %s: want hpfeeds://[IDENT[:SECRET]@]HOST[:PORT][/CHANNEL]", term.Visible(u.Redacted()))
	}
	t.channel = strings.TrimPrefix(u.Path, "/")
	port := u.Port()
	if port == "" {
		port = strconv.Itoa(wire.DefaultPort)
	}
	t.dial.Addr = net.JoinHostPort(u.Hostname(), port)
	if t.dial.Ident = u.User.Username(); t.dial.Ident == "" {
		t.dial.Ident = c.String("ident")
	}
	if t.dial.Ident == "" {
		return fmt.Errorf("--to %s: no ident: write it before the host, or give -i IDENT", term.Visible(u.Redacted()))
	}
	if secret, ok := u.User.Password(); ok {
		t.dial.Secret = []byte(secret)
	} else if !c.Bool("dry-run") {
		if t.dial.Secret, err = secretOf(c, c.App.Reader); err != nil {
			return err
		}
	}
	t.dial.TLS, err = cmdline.TrustedBeside(c, u.Hostname(), u.Scheme == "hpfeeds+tls" || c.Bool("tls"))
	return err
}
