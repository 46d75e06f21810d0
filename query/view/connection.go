package view

import "time"

// Connection is one that a client has to a node, by hpfeeds.
type Connection struct {
	Node   string `json:"node"`
	Number uint64 `json:"number" doc:"at the node, since it started"`

	User          string    `json:"user"`
	Authkey       string    `json:"authkey"`
	Remote        string    `json:"remote" doc:"address and port that it comes from"`
	Since         time.Time `json:"since"`
	BytesReceived uint64    `json:"bytes_received" doc:"from the client"`
	BytesSent     uint64    `json:"bytes_sent"`
	Published     uint64    `json:"published"`
	Received      uint64    `json:"received" doc:"messages that were sent to the client"`
	Subscriptions []string  `json:"subscriptions" doc:"some of them"`
	More          int       `json:"more_subscriptions,omitempty"`
}

// Connections are those that were asked for, and what is not known of them.
type Connections struct {
	Connections []Connection `json:"connections" doc:"by node, the newest first"`
	Total       int          `json:"total" doc:"how many there are, at the nodes that answered"`
	Silent      []string     `json:"silent" doc:"nodes that did not answer: what is connected to them is not known"`
}
