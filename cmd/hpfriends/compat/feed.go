//lint:file-ignore ST1005 these texts are the original programs' own

package compat

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	timerate "golang.org/x/time/rate"

	"hpfriends/cmd/hpfriends/feed"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/internal/trust"
	"hpfriends/wire"
)

// feedProgram is a command line client of the hpfeeds project.
type feedProgram struct {
	Name    string
	grammar grammar
	verbose bool // tells on stderr what it does, also without --debug
}

var feedOptions = []option{
	{"-h", "--help", optHelp},
	{"-c", "--chan", optString},
	{"-i", "--ident", optString},
	{"-s", "--secret", optString},
	{"", "--host", optString},
	{"-p", "--port", optInt},
	{"-o", "--output", optString},
	{"", "--debug", optFlag},
}

// Each of the two clients takes the other's flags too.
var (
	packageOptions = []option{{"", "--tls", optFlag}, {"", "--tlscert", optString}}
	scriptOptions  = []option{{"", "--certfile", optString}}

	// ours are options that neither of them has. They are not abbreviated.
	ours = []option{{"", "--tls-ca", optString}, {"", "--tls-pin", optString}}

	// HpfeedsProgram is the client of the Python package (hpfeeds 3.1.0, hpfeeds/scripts/cli.py).
	HpfeedsProgram = feedProgram{"hpfeeds",
		grammar{own: append(feedOptions[:len(feedOptions):len(feedOptions)], packageOptions...), extra: scriptOptions}, true}
	// ClientProgram is the client from before it was a package (cli/hpfeeds-client).
	ClientProgram = feedProgram{"hpfeeds-client",
		grammar{own: append(feedOptions[:len(feedOptions):len(feedOptions)], scriptOptions...), extra: packageOptions}, false}
)

const feedHelp = `Usage: %s [options] subscribe|publish|sendfile [data...]

Options:
  -h, --help            show this help message and exit
  -c CHAN, --chan=CHAN  channel (can be used multiple times)
  -i IDENT, --ident=IDENT
                        authkey identifier
  -s SECRET, --secret=SECRET
                        authkey secret
  --host=HOST           broker host
  -p PORT, --port=PORT  broker port
  -o FILE, --output=FILE
                        append messages to this file too
  --tls                 use TLS for the connection
  --tlscert=FILE, --certfile=FILE, --tls-ca=FILE
                        certificates to trust (PEM); implies --tls
  --tls-pin=sha256:HEX  trust the certificate with this fingerprint only; implies --tls
  --debug               tell more on stderr

Troubles (authfail, accessfail, "Authkey not allowed ..."): see the Logs of the
authkey's owner, or "hpfriends explain".
`

// invocation is one run of a feedProgram.
type invocation struct {
	dial     wire.DialConfig
	channels []string
	action   string
	data     string
	output   string // file to append messages to
	verbose  bool

	out, log io.Writer
	terminal bool // out is one
	retry    wire.Backoff
}

// lookOut is how long an ERROR is waited for, as the originals do.
const lookOut = time.Second

// feedRetry is how long to wait for a broker that cannot be reached. The originals wait 20 s every time.
var feedRetry = wire.Backoff{Min: time.Second, Max: 20 * time.Second}

// Main runs the program with these arguments, without its name, and returns its exit code.
func (p feedProgram) Main(args []string) int {
	f, err := p.configure(args)
	switch {
	case errors.Is(err, errHelpWanted):
		fmt.Printf(feedHelp, p.Name)
		return 0
	case err != nil:
		fmt.Fprintf(os.Stderr, "Usage: %s [options]\n\n%s: error: %s\n", p.Name, p.Name, err)
		return cmdline.ExitUsage
	}
	f.out, f.log, f.terminal, f.retry = os.Stdout, os.Stderr, term.IsTerminal(os.Stdout), feedRetry
	ctx, stop := cmdline.UntilInterrupt(context.Background())
	defer stop()
	return f.run(ctx)
}

var errHelpWanted = errors.New("help was asked for")

// configure reads the command line, with the checks of the originals in their order. They end in a Python traceback
// without a channel, which is a usage error here.
func (p feedProgram) configure(args []string) (*invocation, error) {
	a, err := p.grammar.parse(args)
	if err != nil {
		return nil, err
	}
	if a.help {
		return nil, errHelpWanted
	}
	if len(a.words) == 0 || a.words[0] != "subscribe" && a.words[0] != "publish" && a.words[0] != "sendfile" {
		//lint:ignore ST1005 the original's words
		return nil, errors.New(`You need to give "subscribe" or "publish" as <action>.`)
	}
	f := &invocation{
		channels: a.values["--chan"], action: a.words[0], data: strings.Join(a.words[1:], " "), output: a.last("--output"),
		verbose: p.verbose || a.has("--debug"),
	}
	cert := cmp.Or(a.last("--tlscert"), a.last("--certfile"), a.last("--tls-ca"))
	if _, err := os.Stat(cert); cert != "" && err != nil {
		//lint:ignore ST1005 the original's words
		return nil, errors.New("If --tlscert is specified it must be a valid path to a file")
	}
	host, port := a.last("--host"), a.last("--port")
	f.dial = wire.DialConfig{Addr: net.JoinHostPort(host, port), Ident: a.last("--ident"),
		Secret: []byte(a.last("--secret"))}
	if a.has("--secret") {
		term.WarnSecret(os.Stderr, "`hpfriends pub` and `hpfriends sub` with --secret-file FILE")
	}
	for _, need := range []struct {
		missing bool
		what    string
	}{
		{host == "", "a host"}, {port == "" || port == "0", "a port"}, {f.dial.Ident == "", "an ident"},
		{len(f.dial.Secret) == 0, "a secret"}, {len(f.channels) == 0, "a channel"},
	} {
		if need.missing {
			//lint:ignore ST1005 the original's words
			return nil, fmt.Errorf("You must specify %s", need.what)
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return nil, fmt.Errorf("port %s: want 1 to 65535", port)
	}
	if cert != "" || a.has("--tls") || a.has("--tls-pin") {
		f.dial.TLS, err = trust.Policy{Host: host, File: cert, Pins: a.values["--tls-pin"]}.Config()
	}
	return f, err
}

// say prints a line on stdout as the originals do.
func (f *invocation) say(format string, args ...any) {
	fmt.Fprintf(f.out, "[feedcli] "+format+"\n", args...)
}

// tell prints a line on stderr, in the form of Python's logging.
func (f *invocation) tell(level, format string, args ...any) {
	if f.verbose {
		at := strings.Replace(time.Now().Format("2006-01-02 15:04:05.000"), ".", ",", 1)
		fmt.Fprintf(f.log, "[%s] [%s] %s\n", at, level, term.Visible(fmt.Sprintf(format, args...)))
	}
}

// run is 0 whatever the broker answers, as with the originals; 1 when something failed here.
func (f *invocation) run(ctx context.Context) int {
	run := f.publish
	if f.action == "subscribe" {
		run = f.subscribe
	}
	err := run(ctx)
	if ctx.Err() != nil { // Ctrl-C
		return 0
	}
	if err != nil {
		f.say("Error: %s", term.Visible(err.Error()))
		return 1
	}
	f.say("closing connection.")
	return 0
}

func (f *invocation) publish(ctx context.Context) error {
	conn, err := f.connect(ctx)
	if err != nil {
		return err
	}
	f.say("connected to %s", term.Visible(conn.BrokerName()))
	payloads := feed.OneContent([]byte(f.data))
	if f.action == "sendfile" {
		payloads = feed.FileContents([]string{f.data}, strings.NewReader(""))
	}
	err = feed.Publication{Dial: f.dial, Channels: f.channels, Payloads: payloads, Count: 1, Rate: timerate.Inf,
		Wait: feed.Patience{Confirm: lookOut, Verdict: lookOut}}.Over(ctx, conn)
	var refusal *wire.BrokerError
	switch {
	case errors.As(err, &refusal):
		fmt.Fprintf(f.out, "got error from server: %s\n", term.Visible(refusal.Text))
	case err != nil && !errors.Is(err, feed.ErrNoVerdict): // the originals do not know either
		return err
	}
	return nil
}

// connect tries until there is a connection.
func (f *invocation) connect(ctx context.Context) (*wire.ClientConn, error) {
	for pause := f.retry.Min; ; pause = min(2*pause, f.retry.Max) {
		f.tell("INFO", "connecting to %s", f.dial.Addr)
		conn, err := wire.Dial(ctx, f.dial)
		if err == nil {
			return conn, nil
		}
		f.tell("ERROR", "Could not connect to broker: %s", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// subscribe prints messages until the broker refuses something or ctx is done.
func (f *invocation) subscribe(ctx context.Context) error {
	file := io.Discard
	if f.output != "" {
		opened, err := os.OpenFile(f.output, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer opened.Close()
		file = opened
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	greeted := false
	client, err := wire.NewClient(wire.ClientConfig{
		DialConfig: f.dial, Backoff: f.retry,
		Connected: func(broker string) {
			if !greeted {
				f.say("connected to %s", term.Visible(broker))
			}
			greeted = true
		},
		Receive: func(m wire.Message) {
			line := f.line(m)
			if _, err := f.out.Write(append([]byte("[feedcli] "), line...)); err != nil {
				end(err)
			}
			if _, err := file.Write(line); err != nil {
				end(err)
			}
		},
		Failed: func(err error) {
			if refusal, ok := errors.AsType[*wire.BrokerError](err); ok {
				f.say("Error message from broker: %s", term.Visible(refusal.Text))
				end(errRefused)
				return
			}
			f.tell("ERROR", "%s", err)
		},
	})
	for _, ch := range f.channels {
		if err == nil {
			err = client.Subscribe(ctx, ch)
		}
	}
	if err != nil {
		return err
	}
	f.tell("INFO", "connecting to %s", f.dial.Addr)
	_ = client.Run(ctx)
	if cause := context.Cause(ctx); !errors.Is(cause, errRefused) {
		return cause
	}
	return nil
}

// errRefused ends a subscription to which the broker sent an ERROR.
var errRefused = errors.New("refused")

// pythonPrintable is Python's string.printable.
const pythonPrintable = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" +
	"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n\r\x0b\x0c"

// shown is how many bytes of a payload decide how it is printed, and are printed if it is not text.
const shown = 20

// line is how a message is printed. A payload whose beginning is not printable is 40 hexadecimal digits, and dots. The
// originals print everything behind the beginning of a text as it is; here it is made harmless.
func (f *invocation) line(m wire.Message) []byte {
	line := fmt.Appendf(nil, "publish to %s by %s: ", term.Visible(m.Channel), term.Visible(m.Ident))
	start := m.Payload[:min(shown, len(m.Payload))]
	switch {
	case bytes.ContainsFunc(start, func(r rune) bool { return !strings.ContainsRune(pythonPrintable, r) }):
		line = append(hex.AppendEncode(line, start), "..."...)
	case f.terminal:
		line = term.AppendVisible(line, m.Payload, "\t")
	default:
		line = term.AppendVisible(line, m.Payload, "\t\n")
	}
	return append(line, '\n')
}
