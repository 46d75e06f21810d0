package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/server"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "show a server with users, shares and simulated sensors at work",
		Description: "Starts a server in a temporary directory, with four users and their shares, and sensors that " +
			"publish cowrie,\n" +
			"dionaea and geoloc events through real hpfeeds connections. Prints who receives what, and why. Ctrl-C ends it " +
			"and\n" +
			"removes everything.",
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "every", Value: 2 * time.Second, Usage: "time between two attacks"},
			&cli.IntFlag{Name: "count", Usage: "stop after this many attacks; 0: go on until Ctrl-C"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "of the simulated attacks"},
		},
		Action: func(c *cli.Context) error {
			return runDemo(c.Context, demoOptions{c.Duration("every"), c.Int("count"), c.Uint64("seed")}, c.App.Writer)
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
	serving, stop := context.WithCancel(context.Background())
	defer stop()
	s := server.New(server.Config{
		DataDir: dir, Name: "hpfriends-demo", Compat: "lineage", MaxMessage: 10 << 20,
		Hpfeeds: []string{"tcp:interface=127.0.0.1:port=" + freePort("10000")}, HTTP: "127.0.0.1:" + freePort("8080"),
	}, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(serving) }()
	d := &demo{dir: dir, server: s, out: out, demoOptions: o}
	err = d.play(ctx, ended)
	stop()
	return errors.Join(err, <-ended)
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
	server  *server.Server
	out     io.Writer
	outside *proc.Process // the same server, through its socket
	people  []demoUser
}

type demoUser struct {
	handle, role string
	id           graph.UserID
	key          load.Key
}

// cast is who takes part.
var cast = []demoUser{
	{handle: "ada", role: "runs cowrie and dionaea sensors"},
	{handle: "bob", role: "malware researcher; passes cowrie sessions on"},
	{handle: "cleo", role: "works at a CERT"},
	{handle: "honeymap", role: "draws attacks on a map"},
}

func (d *demo) play(ctx context.Context, ended <-chan error) error {
	d.outside = &proc.Process{Dir: d.dir, API: api.Local(d.dir)}
	awaited, cancel := context.WithCancel(ctx)
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- d.outside.Await(awaited) }()
	select {
	case err := <-ready:
		if err != nil {
			return err
		}
	case err := <-ended:
		return fmt.Errorf("the server has stopped: %w", err)
	}
	if err := d.seedGraph(ctx); err != nil {
		return err
	}
	d.introduce()
	return d.run(ctx)
}

// as is a client that acts as a user.
func (d *demo) as(user string) *api.Client { return d.outside.API.As(user) }

// seedGraph makes the users, their group, authkeys and shares through the API.
func (d *demo) seedGraph(ctx context.Context) error {
	for _, u := range cast {
		u.key = load.Key{Ident: u.handle + "-key", Secret: "secret-of-" + u.handle}
		made, err := api.AddUser.Call(ctx, d.outside.API, api.With[api.NewUser]{Body: api.NewUser{Handle: u.handle}})
		if err != nil {
			return err
		}
		u.id = graph.UserID(made.ID)
		all := []graph.Pattern{"*"}
		in := api.NewAuthkey{
			Ident: u.key.Ident, Secret: api.NewSecret(u.key.Secret), Comment: "demo", Pub: all, Sub: all,
		}
		if _, err := api.AddAuthkey.Call(ctx, d.as(u.handle), api.With[api.NewAuthkey]{Body: in}); err != nil {
			return err
		}
		d.people = append(d.people, u)
	}
	group := api.NewGroup{Name: "honeynet"}
	if _, err := api.AddGroup.Call(ctx, d.as("bob"), api.With[api.NewGroup]{Body: group}); err != nil {
		return err
	}
	for _, member := range []string{"ada", "cleo"} {
		in := api.MemberAdd{GroupPath: api.GroupPath{Group: group.Name}, Body: api.NewMember{User: member}}
		if _, err := api.AddMember.Call(ctx, d.as("bob"), in); err != nil {
			return err
		}
	}
	for _, s := range []struct {
		from   string
		share  api.NewShare
		accept []string
	}{
		// cleo has not enabled this one yet
		{"ada", api.NewShare{Channel: "dionaea.*", To: "group:honeynet", Type: graph.Own}, []string{"bob"}},
		{"ada", api.NewShare{Channel: "cowrie.sessions", To: "bob", Type: graph.Own}, []string{"bob"}},
		{"bob", api.NewShare{Channel: "cowrie.sessions", To: "cleo", Type: graph.All}, []string{"cleo"}},
		{"ada", api.NewShare{Channel: "geoloc.events", To: "group:everyone", Type: graph.Own}, []string{"honeymap", "bob"}},
	} {
		made, err := api.AddShare.Call(ctx, d.as(s.from), api.With[api.NewShare]{Body: s.share})
		if err != nil {
			return err
		}
		for _, who := range s.accept {
			if _, err := api.AcceptShare.Call(ctx, d.as(who), api.SharePath{ID: made.ID}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *demo) introduce() {
	var b strings.Builder
	fmt.Fprintf(&b, "hpfriends demo: hpfeeds on %s, data in %s\n\n", d.outside.Address, d.dir)
	for _, u := range d.people {
		fmt.Fprintf(&b, "  %-9s %s\n", u.handle, u.role)
	}
	b.WriteString("\nShares\n")
	g := d.server.Graph()
	for s := range g.Shares() {
		fmt.Fprintf(&b, "  #%-4d %-5s shares %-16s with %-15s %s\n", s.ID, d.handle(s.Owner), s.Channel, d.receiver(s),
			s.Type)
	}
	host, port, _ := net.SplitHostPort(d.outside.Address)
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
