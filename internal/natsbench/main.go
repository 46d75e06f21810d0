package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"
)

// serverEnv names the configuration file when this program runs as one of the NATS servers.
const serverEnv = "NATSBENCH_SERVER"

// wanted is how many times as fast as JetStream a cluster has to be.
const wanted = 5

func main() {
	if file := os.Getenv(serverEnv); file != "" {
		exit(serve(file))
	}
	duration := flag.Duration("duration", 5*time.Second, "how long to measure each")
	program := flag.String("hpfriends", "", "also measure this program, and compare")
	syncing := flag.String("sync", "always", "sync_interval of JetStream")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx, *duration, *program, *syncing))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "natsbench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, d time.Duration, program, syncing string) error {
	before, err := ours(ctx, d, program)
	if err != nil {
		return err
	}
	best, err := theirs(ctx, d, syncing)
	if err != nil {
		return err
	}
	after, err := ours(ctx, d, program)
	if err != nil || program == "" {
		return err
	}
	mean := (before + after) / 2
	fmt.Printf("%8.0f/s  hpfriends, before\n%8.0f/s  hpfriends, after\n", before, after)
	fmt.Printf("%8.0f/s  NATS JetStream R3, sync_interval %s, at its best\n", best, syncing)
	fmt.Printf("%8.1f    times as many, want %d\n", mean/best, wanted)
	if mean < wanted*best {
		return errors.New("the figure is not reached")
	}
	return nil
}

// ours is the rate of messages through all nodes of a cluster of three.
func ours(ctx context.Context, d time.Duration, program string) (float64, error) {
	if program == "" {
		return 0, nil
	}
	cmd := exec.CommandContext(ctx, program, "bench", "cluster", "throughput", "--json", "--duration", d.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", program, err)
	}
	rate := 0.0
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		var f struct {
			Name          string
			Value, Target float64
		}
		if err := json.Unmarshal(s.Bytes(), &f); err != nil {
			return 0, fmt.Errorf("%s says %q: %w", program, s.Text(), err)
		}
		if f.Target != 0 { // the one that has a target is the one to compare
			rate = f.Value
		}
	}
	if rate == 0 {
		return 0, fmt.Errorf("%s has measured nothing", program)
	}
	return rate, nil
}
