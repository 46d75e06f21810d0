package cmdline

import (
	"crypto/tls"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/trust"
)

// AuthorityFlag returns the flag --tls-ca; usage says what the certificates in its file are.
func AuthorityFlag(usage string) cli.Flag {
	return &cli.StringFlag{Name: "tls-ca", Aliases: []string{"tlscert"},
		EnvVars: []string{"HPFRIENDS_TLS_CA", "HPFRIENDS_TLSCERT"}, Usage: "PEM `FILE` of " + usage}
}

// PinFlag returns the flag --tls-pin.
func PinFlag(usage string) cli.Flag {
	return &cli.StringSliceFlag{Name: "tls-pin", EnvVars: []string{"HPFRIENDS_TLS_PIN"},
		Usage: "trust the certificate with this fingerprint, `sha256:HEX`, whatever else it says; " + usage +
			" (repeat for more)"}
}

// SaysWhomToTrust reports whether one of these flags is given.
func SaysWhomToTrust(c *cli.Context) bool {
	return c.String("tls-ca") != "" || len(c.StringSlice("tls-pin")) > 0
}

// Trusted returns how to speak TLS with a host, as the flags say.
func Trusted(c *cli.Context, host string) (*tls.Config, error) {
	return trust.Policy{Host: host, File: c.String("tls-ca"), Pins: c.StringSlice("tls-pin")}.Config()
}
