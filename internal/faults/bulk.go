package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"hpfriends/wire"
)

const (
	bulkChannel = "bulk"
	bulkSize    = 32 << 10 // of a payload
)

// patience is how long a node, or a test that reads it, may take for so many bytes: it shall not be what fails.
func patience(bytes int64) time.Duration { return time.Minute + time.Duration(bytes>>20)*time.Second/4 }

// Bulk publishes so many bytes that cannot be compressed through a node, as fast as it takes them, until all are
// confirmed.
func (s *Season) Bulk(node int, bytes int64) error {
	s.bulk += bytes
	ctx, cancel := context.WithTimeout(s.t.Context(), patience(bytes))
	defer cancel()
	conn, err := s.writer.dial(ctx, s.Nodes[node])
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer conn.Close()
	if err := conn.Subscribe(acksChannel); err != nil {
		return err
	}
	want := bytes / bulkSize
	confirmed := make(chan error, 1)
	go func() { confirmed <- awaitCount(conn, want) }()
	noise := rand.NewChaCha8([32]byte{byte(s.seed), 1})
	payload, frame := make([]byte, bulkSize), []byte(nil)
	for range want {
		if _, err := noise.Read(payload); err != nil {
			return err
		}
		frame = wire.AppendPublish(frame[:0], s.writer.Ident, bulkChannel, payload)
		if _, err := conn.Write(frame); err != nil {
			return err
		}
	}
	return <-confirmed
}

// awaitCount reads acknowledgements until so many messages are confirmed.
func awaitCount(conn *wire.ClientConn, want int64) error {
	for {
		frame, err := conn.ReadFrame()
		if err != nil {
			return err
		}
		_, ch, payload, err := wire.ParsePublish(frame)
		if err != nil || string(ch) != acksChannel {
			return fmt.Errorf("a frame with opcode %d instead of a count: %.80q", frame[4], frame[wire.HeaderLen:])
		}
		if n, err := strconv.ParseInt(string(payload), 10, 64); err != nil || n >= want {
			return err
		}
	}
}
