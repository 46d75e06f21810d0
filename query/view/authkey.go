package view

import (
	"time"

	"hpfriends/graph"
)

// Authkey is an authkey without its secret.
type Authkey struct {
	ID         graph.AuthkeyID `json:"id"`
	Owner      string          `json:"owner" doc:"handle"`
	Ident      string          `json:"ident"`
	Comment    string          `json:"comment,omitempty"`
	Pub        []graph.Pattern `json:"pub"`
	Sub        []graph.Pattern `json:"sub"`
	Enabled    bool            `json:"enabled"`
	Expires    *time.Time      `json:"expires,omitempty"`
	Networks   []string        `json:"networks,omitempty" doc:"CIDR; empty: from anywhere"`
	MaxMessage int             `json:"max_message" doc:"bytes of the largest frame it is sent"`
	OldUntil   *time.Time      `json:"old_secret_until,omitempty" doc:"until then the secret before the present one is good"`
	Created    time.Time       `json:"created"`
	Stats      *Stats          `json:"stats,omitempty" doc:"left out as of a time in the past"`
}

// Stats is what an authkey did, seen from the broker.
type Stats struct {
	BytesReceived uint64     `json:"bytes_received" doc:"from the client"`
	BytesSent     uint64     `json:"bytes_sent" doc:"to the client"`
	Published     uint64     `json:"published" doc:"messages"`
	Received      uint64     `json:"received" doc:"messages sent to the client"`
	LastSeen      *time.Time `json:"last_seen,omitempty"`
	LastAddr      string     `json:"last_addr,omitempty"`
	OldSecretSeen *time.Time `json:"old_secret_seen,omitempty" doc:"last login with the secret before the present one"`
}

// Totals sums the statistics of all authkeys that the viewer may see.
type Totals struct {
	Authkeys int `json:"authkeys"`
	Stats
}
