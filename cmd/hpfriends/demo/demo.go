package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/datadir"
	"hpfriends/internal/secret"
	"hpfriends/server"
)

// Command returns the command demo, which runs until Ctrl-C or the last attack.
func Command() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "show a server with users, shares and simulated sensors at work",
		Description: `Starts a server in a temporary directory, with seven users, their groups and
shares, and sensors that publish cowrie, dionaea, TANNER and geoloc events
through real hpfeeds connections. Prints the address of its pages, which let
you be each of these users with one click, and who receives what, and why.
It listens on loopback only. Ctrl-C ends it and removes everything.`,
		Flags: []cli.Flag{
			cmdline.DurationFlag("every", 2*time.Second, "`DURATION` between two attacks"),
			&cli.IntFlag{Name: "count", Usage: "end after `N` attacks; 0: go on until Ctrl-C"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`SEED` of the simulated attacks"},
		},
		Action: func(c *cli.Context) error {
			return runDemo(c.Context, demoOptions{cmdline.Duration(c, "every"), c.Int("count"), c.Uint64("seed")}, c.App.Writer)
		},
	}
}

type demoOptions struct {
	every time.Duration
	count int
	seed  uint64
}

// runDemo serves a temporary directory and plays the demo on it.
func runDemo(ctx context.Context, o demoOptions, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "hpfriends-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &demo{
		dir: dir, out: out, demoOptions: o, rand: rand.New(rand.NewPCG(o.seed, 0)),
		hpfeeds: "10000", http: "8080",
	}
	for _, c := range past {
		if err := d.at(ctx, c.ago, c.play); err != nil {
			return err
		}
	}
	return d.at(ctx, 0, (*demo).now)
}

// chapter is what has happened before now.
type chapter struct {
	ago  time.Duration
	play func(*demo, context.Context) error
}

// past is played on a server whose clock is that much behind. Each chapter has a server of its own: while one runs, it
// doubts a clock that leaps, but nothing says how long a machine was off. It warns of that, which nobody has to read.
var past = []chapter{
	{51 * time.Hour, (*demo).begin}, {19 * time.Hour, (*demo).yesterday}, {5 * time.Hour, (*demo).attacked},
}

// at serves the directory by a clock that is behind, and plays on it.
func (d *demo) at(ctx context.Context, ago time.Duration, play func(*demo, context.Context) error) error {
	hpfeeds, http, told := "0", "0", slog.LevelError
	if ago == 0 {
		hpfeeds, http, told = freePort(d.hpfeeds), freePort(d.http), slog.LevelWarn
	}
	d.ago = ago
	d.server = server.New(server.Config{
		DataDir: d.dir, Name: "hpfriends-demo", Compat: "lineage",
		LimitsConfig:    server.LimitsConfig{MaxMessage: 10 << 20},
		RetentionConfig: server.RetentionConfig{KeepGrace: "1s", Wall: d.clock},
		Hpfeeds:         []string{"tcp:interface=127.0.0.1:port=" + hpfeeds},
		WebConfig:       server.WebConfig{HTTP: "127.0.0.1:" + http},
		FirstAdmin:      server.FirstAdmin{Handle: admin.handle, Password: secret.New(password), Guests: guests()},
	}, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: told})))
	serving, stop := context.WithCancel(context.Background())
	defer stop()
	var served error // of the server, once it has ended
	ended := make(chan struct{})
	go func() {
		served = d.server.Run(serving)
		close(ended)
	}()
	err := d.await(ctx, ended)
	if err == nil {
		err = play(d, ctx)
	}
	stop()
	<-ended
	return errors.Join(err, served)
}

// clock is the time in the chapter.
func (d *demo) clock() time.Time { return time.Now().Add(-d.ago) }

// guests are the people of the demo, whom everybody may be.
func guests() (all []server.Guest) {
	for _, u := range cast {
		all = append(all, server.Guest{Handle: u.handle, About: u.about, Password: password})
	}
	return all
}

// freePort is port if nobody listens on it on this machine, or 0 for any.
func freePort(port string) string {
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return "0"
	}
	l.Close()
	return port
}

// demo is one playing.
type demo struct {
	demoOptions
	dir     string
	hpfeeds string // port of the server now, if nobody else has it; 0: any
	http    string // the same, of its pages
	server  *server.Server
	out     io.Writer
	ago     time.Duration // how far the clock of the server is behind
	rand    *rand.Rand
	api     *api.Client // the same server, through its socket
	address string      // of its hpfeeds
	web     string      // of its pages
}

func (d *demo) now(ctx context.Context) error {
	d.introduce()
	return d.run(ctx)
}

// await waits until the server is ready.
func (d *demo) await(ctx context.Context, ended <-chan struct{}) error {
	d.api = api.Local(d.dir)
	for {
		where, err := datadir.ReadAddresses(d.dir)
		if err == nil {
			d.address, d.web = where.Hpfeeds[0], where.HTTP
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		select {
		case <-ended:
			return errors.New("the server of the demo has ended")
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *demo) introduce() {
	var b strings.Builder
	fmt.Fprintf(&b, "hpfriends demo: hpfeeds on %s, data in %s\n", d.address, d.dir)
	fmt.Fprintf(&b, "\nOpen http://%s, and be one of these with one click (the password of all is %s):\n\n",
		d.web, password)
	for _, u := range cast {
		fmt.Fprintf(&b, "  %-9s %s\n", u.handle, u.about)
	}
	b.WriteString("\nShares\n")
	g := d.server.Graph()
	for s := range g.Shares() {
		fmt.Fprintf(&b, "  #%-4d %-5s shares %-29s with %-22s %s\n", s.ID, d.handle(s.Owner), s.Channel, d.receiver(s),
			s.Type)
	}
	host, port, _ := net.SplitHostPort(d.address)
	run := "hpfriends --data-dir " + d.dir
	fmt.Fprintf(&b, `
Try, in another terminal (the binary is %s):
  %s explain --from ada --to cleo --channel dionaea.capture
  %s share ls --in --as cleo
  %s share accept ID --as cleo                # the dionaea share: cleo's lines below change at once
  %s log ls
  hpfriends sub --host %s -p %s -i bob-key -s secret-of-bob -c 'dionaea.*'
  hpfeeds subscribe --host %s -p %s -i bob-key -s secret-of-bob -c cowrie.sessions       # the Python client

Attacks (Ctrl-C ends the demo and removes everything)
`, executable(), run, run, run, run, host, port, host, port)
	fmt.Fprint(d.out, b.String())
}

func executable() string {
	if self, err := os.Executable(); err == nil {
		return self
	}
	return "hpfriends"
}

func (d *demo) handle(id graph.UserID) string {
	if u, ok := d.server.Graph().User(id); ok {
		return u.Handle
	}
	return "?"
}

func (d *demo) receiver(s *graph.Share) string {
	if s.Group != 0 {
		if g, ok := d.server.Graph().Group(s.Group); ok {
			return "group:" + g.Name
		}
	}
	return d.handle(s.User)
}
