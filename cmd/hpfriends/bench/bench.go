package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/proc"
)

// figure is one measured number and the number it is held against.
type figure struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Target float64 `json:"target,omitempty"`
	AtMost bool    `json:"at_most,omitempty"` // the target is an upper bound
}

func (f figure) met() bool {
	if f.AtMost {
		return f.Value <= f.Target
	}
	return f.Value >= f.Target
}

// scenario is one measurement against fresh server processes.
type scenario struct {
	name, usage string
	nodes       int // above 1: of one cluster
	run         func(ctx context.Context, b *bench) ([]figure, error)
	flags       []string // of a server that is alone
}

var scenarios = []scenario{
	{"pubsub", "4 publishers, 1 subscriber, 256 B messages: messages per second", 1, benchThroughput, nil},
	{"fanout", "5 publishers, 50 subscribers, 1 KiB messages: deliveries per second", 1, benchFanout, nil},
	{"latency", "20,000 messages of 256 B per second: publish-to-deliver time", 1, benchLatency, nil},
	{"idle", "memory of an idle authenticated connection", 1, benchIdle, nil},
	{"replay", "10 million messages of 256 B on 200 channels: reading them again, beside publishing, and restarting",
		1, benchReplay, []string{"--cold-after", "off"}}, // "cold" packs the log, in its turn
	{"backup", "a backup of 1 GiB beside 20,000 messages per second, and a node that is restored from it", 1,
		benchBackup, nil},
	{"pages", "every page and list, with 10,000 users, 100,000 shares, 1,000,000 messages and 1,000,000 rows of Logs", 1,
		benchPages, nil},
	{"mass", "changes that concern 100,000 receivers at once, beside publishing", 1, benchMass, nil},
	{"rest", "2,000 distinct JSON messages of 400 B per second, one by one: bytes on the disk a while after", 1,
		benchRest, nil},
	{"packing", "confirmations at 20,000 messages per second with and without packing of what is old, in turn", 1,
		benchPacking, nil},
	{"start", "time to serve and memory when idle", 1, benchStart, nil},
}

var clusterScenarios = []scenario{
	{"throughput", "4 publishers, 1 subscriber, 256 B messages, three nodes: messages per second", 3, clusterThroughput,
		nil},
	{"latency", "20,000 messages of 256 B per second through one node of three: publish-to-deliver time",
		3, clusterLatency, nil},
	{"spread", "48 subscribers to 40,000 messages of 1 KiB per second: on one server, on the leader, on all three nodes",
		3, clusterSpread, nil},
	{"catchup", "a new node that takes 10 million messages of 256 B beside 20,000 per second", 2, clusterCatchUp, nil},
	{"catchup-small", "a new node that takes 150,000 messages in small entries beside 20,000 per second", 2,
		clusterCatchUpSmall, nil},
}

// Command returns the command bench, with one below it for each scenario.
func Command() *cli.Command {
	c := &cli.Command{
		Name:  "bench",
		Usage: "measure a server process through real sockets",
		Description: `Each measurement starts this program as a server of its own in a temporary
directory and loads it from this process, so the load shares the machine with
the server. Figures depend on the machine: compare them in one run.`,
	}
	c.Subcommands = append(benchCommands(scenarios, append(slices.Clone(scenarios), clusterScenarios...)), &cli.Command{
		Name: "cluster", Usage: "measure three servers that are one cluster",
		Subcommands: benchCommands(clusterScenarios, clusterScenarios),
	}, forwarderCommand())
	return c
}

// benchCommands makes a command for each scenario, and one for all.
func benchCommands(list, all []scenario) (commands []*cli.Command) {
	for _, s := range append(slices.Clone(list), scenario{name: "all", usage: "all of them"}) {
		run := all
		if s.run != nil {
			run = []scenario{s}
		}
		commands = append(commands, &cli.Command{
			Name: s.name, Usage: s.usage,
			Flags: []cli.Flag{
				cmdline.DurationFlag("duration", 10*time.Second, "measure for `DURATION`"),
				cmdline.DurationFlag("wait", 2*time.Minute, "look at a disk at rest after `DURATION`"),
				&cli.IntFlag{Name: "connections", Value: 2000, Usage: "`N` idle connections"},
				&cli.IntFlag{Name: "messages", Value: 10_000_000, Usage: "`N` messages in the log to replay"},
				&cli.BoolFlag{Name: "json", Usage: "print lines of JSON"},
				&cli.StringFlag{Name: "world", Usage: "keep what pages are made of in `DIR`, and use what is there"},
				&cli.StringFlag{Name: "only", Usage: "measure those whose name matches `REGEXP`: of pages the address; " +
					"of replays whole, single, scattered, crowd, first, cold, beside or restart"},
				&cli.StringFlag{Name: "profile",
					Usage: "write the server's CPU profile of the measurement to `FILE`, other nodes' to FILE.n2 and so on"},
			},
			Action: func(c *cli.Context) error {
				return runBench(c.Context, run, benchOptions{
					duration: cmdline.Duration(c, "duration"), wait: cmdline.Duration(c, "wait"),
					connections: c.Int("connections"), messages: c.Int("messages"),
					profile: c.String("profile"), world: c.String("world"), only: c.String("only"),
				}, c.Bool("json"), c.App.Writer)
			},
		})
	}
	return commands
}

type benchOptions struct {
	duration    time.Duration
	wait        time.Duration // until a disk is at rest
	connections int
	messages    int
	profile     string
	world       string // directory; empty: made anew
	only        string // regular expression; empty: all
}

func runBench(ctx context.Context, list []scenario, o benchOptions, asJSON bool, out io.Writer) error {
	var all []figure
	for _, s := range list {
		fmt.Fprintf(os.Stderr, "%s: %s\n", s.name, s.usage)
		alone, blind := proc.WatchContention()
		figures, err := runScenario(ctx, s, o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if busy, err := alone.Others(); blind == nil && err == nil {
			fmt.Fprintf(os.Stderr, "%s: others kept %.2f of %d processors busy meanwhile\n", s.name, busy, runtime.NumCPU())
		}
		all = append(all, figures...)
	}
	if asJSON {
		enc := json.NewEncoder(out)
		for _, f := range all {
			if err := enc.Encode(f); err != nil {
				return err
			}
		}
		return nil
	}
	printFigures(out, all)
	return nil
}

// bench is one scenario's servers: the embedded one is alone, or leads.
type bench struct {
	benchOptions
	*proc.Server
	followers []*proc.Server
	dir       string // of a cluster
}

func runScenario(ctx context.Context, s scenario, o benchOptions) (figures []figure, err error) {
	dir, err := os.MkdirTemp("", "hpfriends-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	start := func(ctx context.Context, dir string) (*bench, error) { return o.alone(ctx, dir, s.flags) }
	if s.nodes > 1 {
		start = func(ctx context.Context, dir string) (*bench, error) { return o.cluster(ctx, dir, s.nodes) }
	}
	b, err := start(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.end()) }()
	return s.run(ctx, b)
}

// alone starts one server.
func (o benchOptions) alone(ctx context.Context, dir string, flags []string) (*bench, error) {
	p, err := proc.Start(ctx, dir, o.env(""), flags...)
	return &bench{benchOptions: o, Server: p}, err
}

// env has a server write its profile.
func (o benchOptions) env(suffix string) []string {
	if o.profile == "" {
		return nil
	}
	return []string{proc.ProfileEnv + "=" + o.profile + suffix}
}

// end stops the servers: the leader last, so that leadership is not handed over for nothing.
func (b *bench) end() (err error) {
	for _, p := range append(slices.Clone(b.followers), b.Server) {
		err = errors.Join(err, p.Stop())
	}
	return err
}

func printFigures(out io.Writer, all []figure) {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.AppendHeader(table.Row{"Figure", "Value", "Unit", "Target", "Met"})
	for _, f := range all {
		row := table.Row{f.Name, fmt.Sprintf("%.4g", f.Value), f.Unit, "", ""}
		if f.Value >= 1000 {
			row[1] = fmt.Sprintf("%.0f", f.Value)
		}
		if f.Target != 0 {
			bound := ">="
			if f.AtMost {
				bound = "<="
			}
			row[3], row[4] = fmt.Sprintf("%s %.4g", bound, f.Target), map[bool]string{true: "yes", false: "no"}[f.met()]
		}
		t.AppendRow(row)
	}
	t.Render()
}
