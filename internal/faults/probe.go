package faults

import (
	"context"
	"time"
)

// probeEvery is longer than the server waits between two acknowledgements, so that each is sent at once.
const probeEvery = 60 * time.Millisecond

// Probe publishes single messages through a node until ctx is done, and returns how long each took to be confirmed.
func (s *Season) Probe(ctx context.Context, node int) (took []time.Duration, err error) {
	conn, err := s.writer.dial(ctx, s.Nodes[node])
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := conn.Subscribe(acksChannel); err != nil {
		return nil, err
	}
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for n := int64(1); ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return took, nil
		}
		begin := time.Now()
		if err := conn.Publish(bulkChannel, []byte("probe")); err != nil {
			return took, end(ctx, err)
		}
		if err := awaitCount(conn, n); err != nil {
			return took, end(ctx, err)
		}
		took = append(took, time.Since(begin))
	}
}

// end is err, unless the connection was ended on purpose.
func end(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
