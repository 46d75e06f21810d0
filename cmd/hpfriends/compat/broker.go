//lint:file-ignore ST1005 these texts are the original programs' own

package compat

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hpfriends/internal/cmdline"
	"hpfriends/wire"
)

// brokerGrammar is the command line of the Python broker (hpfeeds 3.1.0, hpfeeds/scripts/broker.py).
var brokerGrammar = grammar{own: []option{
	{"-h", "--help", optHelp},
	{"", "--bind", optString},
	{"", "--exporter", optString},
	{"", "--name", optString},
	{"", "--debug", optFlag},
	{"", "--auth", optString},
	{"", "--tlscert", optString},
	{"", "--tlskey", optString},
	{"-e", "--endpoint", optString},
}}

const brokerUsage = `usage: hpfeeds-broker [-h] [--bind IP:PORT] [-e ENDPOINT]... [--exporter IP:PORT]
                      [--name NAME] [--auth STORE]... [--tlscert FILE --tlskey FILE] [--debug]

hpfriends under the name of the Python broker. An ENDPOINT is
tcp:port=N[:interface=IP][:device=NIC] or tls:port=N:cert=FILE:key=FILE[:interface=IP][:device=NIC];
without --bind and -e it listens on 0.0.0.0:20000. A STORE is FILE.json, env, or
sqlite, which is ./sqlite.db and served without --auth, too, if it is there. It
is read as it is at any time; beside it count the authkeys in the log of this
broker (hpfriends authkey add). To move them there: hpfriends import hpfeeds.
`

// defaultBind is where the Python broker listens when it is told nothing.
const defaultBind = "0.0.0.0:20000"

var errBrokerHelp = errors.New("help was asked for")

// brokerArgs translates the command line of hpfeeds-broker into one of "hpfriends serve". errBrokerHelp says that the
// usage was asked for, any other error that it cannot be translated.
func brokerArgs(args []string) (serveArgs []string, err error) {
	a, err := brokerGrammar.argparse(args)
	if err != nil {
		return nil, err
	}
	if a.help {
		return nil, errBrokerHelp
	}
	if a.last("--tlscert") == "" != (a.last("--tlskey") == "") {
		//lint:ignore ST1005 the original's words
		return nil, errors.New("Must specify --tlskey AND --tlscert")
	}
	endpoints, err := brokerEndpoints(a)
	if err != nil {
		return nil, err
	}
	serveArgs = []string{"serve"}
	for _, source := range authSources(a.values["--auth"]) {
		serveArgs = append(serveArgs, "--auth", source)
	}
	for _, e := range endpoints {
		serveArgs = append(serveArgs, "--hpfeeds", e.String())
	}
	name := "hpfeeds"
	if a.has("--name") {
		name = a.last("--name")
	}
	serveArgs = append(serveArgs, "--name", name)
	if a.has("--debug") {
		serveArgs = append(serveArgs, "--log-level", "debug")
	}
	if exporter := a.last("--exporter"); exporter != "" {
		if _, _, err := bindAddress(exporter); err != nil {
			return nil, fmt.Errorf("--exporter: %w", err)
		}
		serveArgs = append(serveArgs, "--http", exporter)
	}
	return serveArgs, nil
}

// authSources are the key stores to serve, as the Python broker understands their names: what is neither of JSON, nor
// the environment, nor a database server is ./sqlite.db, and so is no name at all. That one is left out if it is not
// there: the Python broker makes an empty one.
func authSources(names []string) (sources []string) {
	if len(names) == 0 {
		names = []string{"sqlite"}
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".json") && name != "env" && !strings.HasPrefix(name, "mongo") &&
			!strings.HasPrefix(name, "database+") {
			name = "sqlite.db"
			if _, err := os.Stat(name); err != nil {
				continue
			}
		}
		sources = append(sources, name)
	}
	return sources
}

// brokerEndpoints is where to listen: the address of --bind, and every -e.
func brokerEndpoints(a arguments) ([]wire.Endpoint, error) {
	var all []wire.Endpoint
	bind := a.last("--bind")
	if bind == "" && !a.has("--endpoint") {
		bind = defaultBind
	}
	if bind != "" {
		host, port, err := bindAddress(bind)
		if err != nil {
			return nil, fmt.Errorf("--bind: %w", err)
		}
		text := fmt.Sprintf("tcp:port=%d:interface=%s", port, escapeColons(host))
		if cert := a.last("--tlscert"); cert != "" {
			text = fmt.Sprintf("tls:port=%d:interface=%s:cert=%s:key=%s", port, escapeColons(host), escapeColons(cert),
				escapeColons(a.last("--tlskey")))
		}
		e, err := wire.ParseEndpoint(text)
		if err != nil {
			return nil, fmt.Errorf("--bind: %w", err)
		}
		all = append(all, e)
	}
	for _, text := range a.values["--endpoint"] {
		e, err := pythonEndpoint(text)
		if err != nil {
			return nil, fmt.Errorf("-e %s: %w", text, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// bindAddress reads HOST:PORT, where HOST may be empty or an IPv6 address in brackets or without.
func bindAddress(s string) (host string, port uint16, err error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", 0, fmt.Errorf("address %q: want IP:PORT", s)
	}
	n, err := strconv.ParseUint(s[i+1:], 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("address %q: port %q: want 0 to 65535", s, s[i+1:])
	}
	host = strings.Trim(s[:i], "[]")
	if strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return "", 0, fmt.Errorf("address %q: want IP:PORT", s)
	}
	return host, uint16(n), nil
}

// endpointKeys is what the Python broker reads of an endpoint; it ignores every other key. chain has no counterpart
// here: the chain belongs into the file of cert.
var endpointKeys = []string{"interface", "port", "device", "cert", "key"}

var unescapedColon = regexp.MustCompile(`^(?:[^\\:]|\\.)*|\\$`)

// pythonEndpoint reads an endpoint of the Python broker: the port is required, the address is IPv4's any if not given,
// and keys it does not know are refused rather than ignored.
func pythonEndpoint(text string) (wire.Endpoint, error) {
	fields := []string{}
	for rest := text; ; {
		field := unescapedColon.FindString(rest)
		fields = append(fields, field)
		if len(field) >= len(rest) {
			break
		}
		rest = rest[len(field)+1:]
	}
	seen := map[string]bool{}
	for _, field := range fields[1:] {
		key, _, ok := strings.Cut(field, "=")
		if !ok {
			return wire.Endpoint{}, fmt.Errorf("%q: want key=value", field)
		}
		if key == "chain" {
			return wire.Endpoint{}, errors.New("chain: put the chain into the file of cert, behind the certificate")
		}
		if !slices.Contains(endpointKeys, key) {
			return wire.Endpoint{}, fmt.Errorf("key %q: known are %s", key, strings.Join(endpointKeys, ", "))
		}
		seen[key] = true
	}
	if !seen["port"] {
		return wire.Endpoint{}, errors.New("port is missing")
	}
	if !seen["interface"] {
		text += ":interface=0.0.0.0"
	}
	return wire.ParseEndpoint(text)
}

func escapeColons(s string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(s)
}

// RunBroker is the program hpfeeds-broker: run runs the command line of hpfriends that args become, program name first.
// It returns the exit code.
func RunBroker(args []string, stdout, stderr io.Writer, run func(args []string) int) int {
	serveArgs, err := brokerArgs(args)
	switch {
	case errors.Is(err, errBrokerHelp):
		fmt.Fprint(stdout, brokerUsage)
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "%shpfeeds-broker: error: %s\n", firstLine(brokerUsage), err)
		return cmdline.ExitUsage
	}
	return run(append([]string{"hpfriends"}, serveArgs...))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line + "\n"
}
