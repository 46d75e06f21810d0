package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"hpfriends/internal/ndjson"
	"hpfriends/query/view"
)

// MessageQuery selects past messages.
type MessageQuery struct {
	Channel []string `query:"channel,explode" limit:"channel" required:"true" minItems:"1" maxItems:"1000" format:"channels"`
	Since   string   `query:"since" format:"position" doc:"the first: a time, or how long ago (2h)"`
	From    string   `query:"from" format:"position" doc:"the first: a position (#812.4), or first"`
	Until   string   `query:"until" format:"position" doc:"where to end; without it: the present end of the log"`
	Limit   uint64   `query:"limit" maximum:"9007199254740991" doc:"at most so many; 0: all"`
}

// MessagesQuery selects past messages, in an order.
type MessagesQuery struct {
	MessageQuery
	Text  string `query:"text" maxLength:"1024" doc:"those whose payload contains it"`
	Order string `query:"order" enum:"oldest,newest" default:"oldest" doc:"which come first"`
}

// TimelineQuery asks how many messages there were when.
type TimelineQuery struct {
	Channel []string `query:"channel,explode" limit:"channel" required:"true" minItems:"1" maxItems:"100" format:"channels"`
	Since   string   `query:"since" format:"past" default:"1h" doc:"a time, or how long ago"`
	Until   string   `query:"until" format:"past" doc:"likewise; empty: now"`
	Buckets int      `query:"buckets" minimum:"1" maximum:"1000" default:"60"`
}

// RatesQuery asks how many messages the busiest channels had when.
type RatesQuery struct {
	TimelineQuery
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"the channels with the most messages"`
}

// SightingsQuery asks where an indicator was seen.
type SightingsQuery struct {
	Indicator string `query:"indicator" required:"true" maxLength:"128" doc:"an IP address, or an MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal"`
}

// Stream is an operation that answers with lines of package ndjson.
type Stream[In any] struct {
	Route, Summary string
}

// The operations on past messages.
var (
	ReadMessages  = Stream[MessagesQuery]{"GET /messages", "Past messages that you may see, as lines of JSON"}
	CountTimeline = Op[TimelineQuery, view.Timeline]{
		"GET /messages/histogram", "How many past messages you may read, over time",
	}
	ChannelRates = Op[RatesQuery, view.Rates]{
		"GET /channels/rates", "How many messages you may read of each channel, over time",
	}
	CountMessages = Op[MessageQuery, view.Count]{"GET /messages/count", "How many past messages you may see"}
	Sightings     = Op[SightingsQuery, view.Sightings]{
		"GET /messages/seen",
		"Whether an IP address, or a file by its hash, was seen in the newest messages that you may see",
	}
)

// CutOff is the error of an answer without its last line.
type CutOff struct {
	Last string // position of the last message that was read; empty: none was
	Err  error
}

// Error implements error.
func (e *CutOff) Error() string { return fmt.Sprintf("the server's answer was cut off (%v)", e.Err) }

// Unwrap implements errors.
func (e *CutOff) Unwrap() error { return e.Err }

// Read calls each with every message and gap, and its line, until its first error. It returns the last line of the
// answer, in which the server may say that it failed. When that is missing, the error is a *CutOff, and end has the
// number of messages up to there.
func (s Stream[In]) Read(
	ctx context.Context, c *Client, in In, each func(line []byte, r ndjson.Record) error,
) (end ndjson.End, err error) {
	req, err := newRequest(s.Route, in)
	if err != nil {
		return end, err
	}
	res, err := c.send(ctx, req, patient)
	if err != nil {
		return end, err
	}
	defer res.Body.Close()
	last := ""
	for lines := bufio.NewReaderSize(res.Body, 256<<10); ; {
		line, err := lines.ReadBytes('\n')
		if ctx.Err() != nil {
			return end, ctx.Err()
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return end, &CutOff{last, err}
		}
		r, err := ndjson.Parse(line)
		if err != nil {
			return end, fmt.Errorf("the server's answer: %w", err)
		}
		if r.End != nil {
			return *r.End, nil
		}
		if err := each(line, r); err != nil {
			return end, err
		}
		if r.Message != nil {
			end.Messages++
			last = r.Message.Position
		}
	}
}
