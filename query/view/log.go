package view

import (
	"encoding/json"
	"time"
)

// LogEntry is one entry of the log, as `log dump` shows it. There are no secrets in it and no payloads: of secrets,
// passwords and tokens only that they were set.
type LogEntry struct {
	Index    uint64          `json:"index"`
	Term     uint64          `json:"term"`
	Appended *time.Time      `json:"appended,omitempty"`
	Kind     string          `json:"kind" doc:"batch, change, report, cursor, floor, or raft for an entry of Raft's own"`
	Bytes    int             `json:"bytes" doc:"of the command"`
	Hidden   bool            `json:"hidden,omitempty" doc:"a batch that repeats another one or was refused"`
	Session  string          `json:"session,omitempty" doc:"of a batch"`
	Seq      uint64          `json:"seq,omitempty" doc:"of a batch, in its session"`
	Runs     []LogRun        `json:"runs,omitempty" doc:"of a batch"`
	Content  json.RawMessage `json:"content,omitempty" doc:"of another kind"`
}

// LogRun is consecutive messages of one connection on one channel.
type LogRun struct {
	First   uint32    `json:"first" doc:"offset of its first message"`
	Count   uint32    `json:"count"`
	Bytes   int       `json:"bytes" doc:"of its frames"`
	Channel string    `json:"channel"`
	Authkey uint64    `json:"authkey"`
	Origin  uint64    `json:"origin" doc:"user id"`
	Time    time.Time `json:"time"`
	Remote  string    `json:"remote,omitempty"`
}

// LogRow is one row of the Logs page.
type LogRow struct {
	Time       time.Time `json:"time" doc:"last seen"`
	First      time.Time `json:"first"`
	Identifier string    `json:"identifier"`
	Message    string    `json:"message"`
	Detail     string    `json:"detail,omitempty" doc:"of the last one"`
	Channel    string    `json:"channel,omitempty"`
	Address    string    `json:"address"`
	Count      uint64    `json:"count"`
	Index      uint64    `json:"index" doc:"of the entry of the log that last changed it"`
	Kind       LogKind   `json:"kind" enum:"login,publish,subscribe,other" doc:"what was refused"`
	User       string    `json:"user,omitempty" doc:"whose authkey it is; for those who see all"`
}

// LogKind is what was refused.
type LogKind string

// The kinds of rows.
const (
	LogLogin     LogKind = "login"
	LogPublish   LogKind = "publish"
	LogSubscribe LogKind = "subscribe"
	LogOther     LogKind = "other"
)

// LogKinds are all kinds of rows.
var LogKinds = []LogKind{LogLogin, LogPublish, LogSubscribe, LogOther}

// Text is the message with its detail.
func (r LogRow) Text() string {
	if r.Detail == "" {
		return r.Message
	}
	return r.Message + " " + r.Detail
}

// Retained is how much of the log there is.
type Retained struct {
	Floor     string     `json:"floor" doc:"position of the oldest entry that is kept"`
	Oldest    *time.Time `json:"oldest,omitempty" doc:"time of the oldest message that is kept"`
	Bytes     int64      `json:"bytes" doc:"of entries, as they are stored"`
	DiskBytes uint64     `json:"disk_bytes" doc:"all files of the log, with indexes and what is about to be removed"`
	Reclaimed uint64     `json:"reclaimed_bytes" doc:"of entries that retention has removed since the start"`
}
