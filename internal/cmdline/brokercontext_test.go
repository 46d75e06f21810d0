package cmdline

import (
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/contexts"
)

// Whom a context trusts for its server has no say about a broker elsewhere, where it would refuse an honest one, nor
// about one without TLS.
func TestWhatAContextTrustsIsForItsOwnBroker(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	store, err := contexts.Open()
	if err != nil {
		t.Fatal(err)
	}
	pin := "sha256:" + strings.Repeat("0", 64)
	for name, tls := range map[string]bool{"tls": true, "plain": false} {
		err := store.Add(name, contexts.Context{
			Server: "https://a.example", TLSPins: []string{pin},
			Broker: contexts.Broker{Hpfeeds: "a.example:10000", HpfeedsTLS: tls, Ident: "i"},
		}, contexts.Secrets{Token: "t", Authkey: "s"})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		context, host, pin string
		tls, want          bool
	}{
		"the context's broker":                  {"tls", "a.example", pin, false, true},
		"the context's broker, without TLS":     {"plain", "a.example", pin, false, false},
		"a broker elsewhere":                    {"tls", "b.example", pin, false, false},
		"a broker elsewhere, asked for TLS":     {"tls", "b.example", pin, true, true},
		"a broker elsewhere, of another pin":    {"tls", "b.example", "sha256:" + strings.Repeat("1", 64), false, true},
		"no context, and a pin of the own flag": {"", "a.example", pin, false, true},
		"no context, and nothing":               {"", "a.example", "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			flags := []cli.Flag{contextFlag(), PinFlag(""), AuthorityFlag("")}
			app := &cli.App{Flags: flags, Action: func(ctx *cli.Context) error {
				config, err := TrustedBeside(ctx, c.host, c.tls)
				if (config != nil) != c.want || err != nil {
					t.Errorf("%v, %v, want TLS: %v", config, err, c.want)
				}
				return nil
			}}
			args := []string{"x", "--context", c.context}
			if c.pin != "" {
				args = append(args, "--tls-pin", c.pin)
			}
			if err := app.Run(args); err != nil {
				t.Fatal(err)
			}
		})
	}
}
