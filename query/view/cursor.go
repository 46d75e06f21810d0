package view

import "time"

// Cursor is how far a durable subscription got.
type Cursor struct {
	Authkey  string     `json:"authkey" doc:"ident"`
	Name     string     `json:"name"`
	Channel  string     `json:"channel" doc:"what was subscribed last"`
	Position string     `json:"position" doc:"where the next connection begins: everything before it was read"`
	Acked    string     `json:"acked" doc:"what comes before it has reached the system of the client"`
	Behind   uint64     `json:"behind" doc:"entries of the log, on whatever channels, from the position to the end"`
	Next     *time.Time `json:"next,omitempty" doc:"when the entry at the position was written, if there is one"`
	Removed  bool       `json:"removed,omitempty" doc:"the position is no longer retained: it goes on at the oldest entry"`
	Held     bool       `json:"held" doc:"a connection reads by it, or did when its node failed"`
	Epoch    uint64     `json:"epoch" doc:"rises with each connection, reset and removal"`
	Created  time.Time  `json:"created"`
	Updated  time.Time  `json:"updated"`
}
