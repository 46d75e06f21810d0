package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	streamName = "BENCH"
	subject    = "cowrie.sessions"
	startLimit = 30 * time.Second
)

// way is one manner of publishing.
type way struct {
	window, batch int
	spread        bool // publishers are connected to all servers, not to the stream's leader
}

func (w way) String() string {
	s := fmt.Sprintf("window %d for each of %d publishers", w.window, publishers)
	if w.batch > 1 {
		s += fmt.Sprintf(", atomic batches of %d", w.batch)
	}
	return s + map[bool]string{true: ", connected to all servers", false: ", connected to the stream's leader"}[w.spread]
}

var ways = []way{
	{256, 1, false}, {4096, 1, false}, {1024, 1, true}, {4096, 1, true}, {16384, 1, true}, {4000, 1000, false},
	{4000, 1000, true},
}

// theirs is the best rate of JetStream.
func theirs(ctx context.Context, d time.Duration, syncing string) (best float64, err error) {
	dir, err := os.MkdirTemp("", "natsbench-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := startServers(ctx, dir, syncing)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	for _, w := range ways {
		acked, delivered, err := s.measure(ctx, d, w)
		if err != nil {
			return 0, fmt.Errorf("%v: %w", w, err)
		}
		fmt.Printf("%8.0f/s acknowledged, %8.0f/s delivered: NATS, %v\n", acked, delivered, w)
		best = max(best, min(acked, delivered))
	}
	return best, nil
}

// measure floods a fresh stream.
func (s *servers) measure(ctx context.Context, d time.Duration, w way) (acked, delivered float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	admin, err := nats.Connect(strings.Join(s.urls[:], ","), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		return 0, 0, err
	}
	defer admin.Close()
	leader, err := stream(ctx, admin)
	if err != nil {
		return 0, 0, err
	}
	var sent, got atomic.Int64
	failed := make(chan error, 1)
	end, err := consume(ctx, s.urls[(leader+1)%nodes], &got)
	if err != nil {
		return 0, 0, err
	}
	defer end()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for i := range publishers {
		at := leader
		if w.spread {
			at = i % nodes
		}
		conn, err := nats.Connect(s.urls[at])
		if err != nil {
			return 0, 0, err
		}
		defer conn.Close()
		p := &publisher{conn: conn, inbox: nats.NewInbox(), window: w.window, batch: w.batch,
			free: make(chan struct{}, w.window), acked: &sent, failed: failed}
		wg.Go(func() { p.flood(ctx, subject) })
	}
	rates, err := growth(ctx, d, failed, &sent, &got)
	if err != nil {
		return 0, 0, err
	}
	return rates[0], rates[1], nil
}

// stream makes an empty one, and says which server leads it.
func stream(ctx context.Context, c *nats.Conn) (leader int, err error) {
	js, err := jetstream.New(c)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		one, stop := context.WithTimeout(ctx, 5*time.Second)
		leader, err = begin(one, js)
		stop()
		if err == nil || ctx.Err() != nil {
			return leader, err
		}
		select { // the servers have not found each other yet
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func begin(ctx context.Context, js jetstream.JetStream) (leader int, err error) {
	if err := js.DeleteStream(ctx, streamName); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return 0, err
	}
	made, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: streamName, Subjects: []string{subject}, Storage: jetstream.FileStorage, Replicas: nodes,
		AllowAtomicPublish: true,
	})
	if err != nil {
		return 0, err
	}
	info, err := made.Info(ctx)
	if err != nil {
		return 0, err
	}
	if info.Cluster == nil || len(info.Cluster.Replicas) != nodes-1 {
		return 0, fmt.Errorf("the stream has no %d replicas", nodes)
	}
	_, err = fmt.Sscanf(info.Cluster.Leader, "n%d", &leader)
	return leader - 1, err
}

// consume counts what a consumer without acknowledgements gets.
func consume(ctx context.Context, url string, got *atomic.Int64) (end func(), err error) {
	c, err := nats.Connect(url)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(c)
	if err != nil {
		c.Close()
		return nil, err
	}
	consumer, err := js.OrderedConsumer(ctx, streamName, jetstream.OrderedConsumerConfig{})
	if err != nil {
		c.Close()
		return nil, err
	}
	reading, err := consumer.Consume(func(jetstream.Msg) { got.Add(1) }, jetstream.PullMaxMessages(10_000))
	if err != nil {
		c.Close()
		return nil, err
	}
	return func() { reading.Stop(); c.Close() }, nil
}
