package view

import "time"

// Channel is a channel, and the newest message on it that the viewer may see. A channel that is only named in an
// authkey or a share has none.
type Channel struct {
	Name     string    `json:"name"`
	Raw      []byte    `json:"raw,omitempty" doc:"the name's bytes, if they are not UTF-8: name has replacements then"`
	Last     time.Time `json:"last,omitzero" doc:"time of the newest message that you may see"`
	Position string    `json:"position,omitempty" doc:"where it is in the log: #<index>.<offset>"`
}

// Amount is how much there is of something that the viewer may see and the log still holds: what retention has taken,
// and what lies before the viewer's share, is not counted.
type Amount struct {
	Messages      uint64    `json:"messages"`
	Bytes         uint64    `json:"bytes" doc:"of the messages as they are sent"`
	Rate          float64   `json:"rate" doc:"messages per second, from first to last or over the window asked for"`
	First         time.Time `json:"first" doc:"time of the first message"`
	FirstPosition string    `json:"first_position"`
}

// ChannelDetail is a channel with the origins that the viewer may see.
type ChannelDetail struct {
	Channel
	Amount
	Origins []Origin `json:"origins" doc:"who published it, the most messages first; the first 1000"`
}

// Origin is one user who published on a channel.
type Origin struct {
	User     string    `json:"user" doc:"handle; empty: removed meanwhile"`
	Last     time.Time `json:"last" doc:"time of the newest message"`
	Position string    `json:"position"`
	Amount
}

// ChannelTotal is a channel and how much of it the viewer may see.
type ChannelTotal struct {
	Channel
	Amount
	Origins int `json:"origins" doc:"how many users published it"`
}
