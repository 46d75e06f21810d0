package view

import "time"

// Count is what a reader of messages would get.
type Count struct {
	Messages uint64     `json:"messages"`
	From     string     `json:"from,omitempty" doc:"position of the first"`
	Next     string     `json:"next" doc:"position after the last"`
	First    *time.Time `json:"first,omitempty" doc:"time of the first"`
	Last     *time.Time `json:"last,omitempty" doc:"time of the last"`
	Gap      bool       `json:"gap,omitempty" doc:"retention has taken what was asked for first"`
}
