package api

import (
	"context"
	"errors"
	"io"
)

// BackupQuery says what a backup is to hold.
type BackupQuery struct {
	NoHistory bool   `query:"no_history" doc:"the state alone, without past messages"`
	Backup    string `query:"backup" maxLength:"64" doc:"id of the older backup that this one goes on from; empty: none"`
	Cluster   string `query:"cluster" maxLength:"64" doc:"that the older backup is of"`
	After     uint64 `query:"after" maximum:"9007199254740991" doc:"index of its last entry"`
	Term      uint64 `query:"term" maximum:"9007199254740991" doc:"term of that entry"`
}

// Download is an operation that answers with a file.
type Download[In any] struct {
	Route, Summary string
}

// MakeBackup is everything that a node has, in the format of package backup.
var MakeBackup = Download[BackupQuery]{
	"GET /backup", "Everything that this node has, as a file of hpfriends backup; for the operator, on the local socket",
}

// Open asks for the file. Its reader closes it.
func (d Download[In]) Open(ctx context.Context, c *Client, in In) (io.ReadCloser, error) {
	req, err := newRequest(d.Route, in)
	if err != nil {
		return nil, err
	}
	res, err := c.send(ctx, req, patient) //nolint:bodyclose // by whoever reads it
	if err != nil {
		return nil, err
	}
	return &download{res.Body, ctx}, nil
}

type download struct {
	io.ReadCloser
	ctx context.Context
}

// Read tells a connection that broke from a file that is damaged.
func (d *download) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = failed(d.ctx, err)
	}
	return n, err
}
