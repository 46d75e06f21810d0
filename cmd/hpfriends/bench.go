package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"
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

// scenario is one measurement against a fresh server process.
type scenario struct {
	name, usage string
	run         func(ctx context.Context, b *bench) ([]figure, error)
}

var scenarios = []scenario{
	{"pubsub", "4 publishers, 1 subscriber, 256 B messages: messages per second", benchThroughput},
	{"fanout", "5 publishers, 50 subscribers, 1 KiB messages: deliveries per second", benchFanout},
	{"latency", "20,000 messages of 256 B per second: publish-to-deliver time", benchLatency},
	{"idle", "memory of an idle authenticated connection", benchIdle},
	{"replay", "10 million messages of 256 B on 200 channels: reading them again, beside publishing, and restarting", benchReplay},
	{"start", "time to serve and memory when idle", benchStart},
}

func benchCommand() *cli.Command {
	c := &cli.Command{
		Name:  "bench",
		Usage: "measure a server process through real sockets",
		Description: "Each measurement starts this program as a server of its own in a temporary directory and loads it from this\n" +
			"process, so the load shares the machine with the server. Figures depend on the machine: compare them in one run.",
	}
	all := scenario{"all", "all of them", nil}
	for _, s := range append(scenarios, all) {
		run := scenarios
		if s.run != nil {
			run = []scenario{s}
		}
		c.Subcommands = append(c.Subcommands, &cli.Command{
			Name: s.name, Usage: s.usage,
			Flags: []cli.Flag{
				&cli.DurationFlag{Name: "duration", Value: 10 * time.Second, Usage: "how long to measure"},
				&cli.IntFlag{Name: "connections", Value: 2000, Usage: "idle connections"},
				&cli.IntFlag{Name: "messages", Value: 10_000_000, Usage: "messages in the log to replay"},
				&cli.BoolFlag{Name: "json", Usage: "print NDJSON"},
				&cli.StringFlag{Name: "profile", Usage: "write the server's CPU profile of the measurement to `FILE`"},
			},
			Action: func(c *cli.Context) error {
				return runBench(c.Context, run, benchOptions{c.Duration("duration"), c.Int("connections"), c.Int("messages"), c.String("profile")}, c.Bool("json"), c.App.Writer)
			},
		})
	}
	return c
}

type benchOptions struct {
	duration    time.Duration
	connections int
	messages    int
	profile     string
}

func runBench(ctx context.Context, list []scenario, o benchOptions, asJSON bool, out io.Writer) error {
	var all []figure
	for _, s := range list {
		fmt.Fprintf(os.Stderr, "%s: %s\n", s.name, s.usage)
		figures, err := runScenario(ctx, s, o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
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

// bench is one scenario's server.
type bench struct {
	benchOptions
	*process
}

func runScenario(ctx context.Context, s scenario, o benchOptions) (figures []figure, err error) {
	dir, err := os.MkdirTemp("", "hpfriends-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var env []string
	if o.profile != "" {
		env = append(env, cpuProfileEnv+"="+o.profile)
	}
	p, err := startProcess(ctx, dir, env)
	if err != nil {
		return nil, err
	}
	b := &bench{o, p}
	defer func() { err = errors.Join(err, b.stop()) }()
	return s.run(ctx, b)
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
			row[3], row[4] = fmt.Sprintf("%s %.0f", bound, f.Target), map[bool]string{true: "yes", false: "no"}[f.met()]
		}
		t.AppendRow(row)
	}
	t.Render()
}
