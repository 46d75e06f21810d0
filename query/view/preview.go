package view

import (
	"time"
	"unicode/utf8"
)

// SharePreview is what a share would do if it were added.
type SharePreview struct {
	Receivers Recipients `json:"receivers" doc:"whom it reaches once they enable it"`
	Further   Recipients `json:"further" doc:"who gets it then besides, by shares of type all that are enabled already"`
	Existing  *Share     `json:"existing,omitempty" doc:"the share that there is already: another cannot be added"`
	PassesOn  []PassedOn `json:"passes_on,omitempty" doc:"type all: whose events it passes on, the most first; the first 20"`
	Authkeys  []string   `json:"authkeys" doc:"your enabled authkeys that may publish there; none: nothing of yours is shared"`
	Day       DayCount   `json:"day" doc:"what the share would have passed on in the last 24 hours"`
	Sample    *Message   `json:"sample,omitempty" doc:"the newest message that it would have passed on"`
}

// Recipients are people whom a share reaches.
type Recipients struct {
	Count   int      `json:"count" doc:"how many, as far as you may know"`
	Users   []string `json:"users" doc:"handles of those whom you may see, the first 20"`
	Group   string   `json:"group,omitempty" doc:"the group through which they receive it"`
	Hidden  bool     `json:"hidden,omitempty" doc:"the members of the group are not yours to see, nor how many they are"`
	Already int      `json:"already" doc:"how many of them receive all of it from you already"`
	AtLeast bool     `json:"at_least,omitempty" doc:"there may be more: the count was given up"`
}

// PassedOn is somebody else whose events a share passes on.
type PassedOn struct {
	User     string `json:"user" doc:"handle"`
	Messages uint64 `json:"messages" doc:"in the last 24 hours"`
}

// DayCount is an amount of messages in 24 hours.
type DayCount struct {
	Messages uint64  `json:"messages"`
	PerHour  float64 `json:"per_hour"`
	AtLeast  bool    `json:"at_least,omitempty" doc:"there are too many channels to count them all"`
}

// Message is a past message, with as much of its payload as is shown.
type Message struct {
	Position string    `json:"position"`
	Time     time.Time `json:"time"`
	Channel  string    `json:"channel"`
	Origin   string    `json:"origin" doc:"handle; empty: removed meanwhile"`
	Bytes    int       `json:"bytes" doc:"of the whole payload"`
	Text     string    `json:"text,omitempty" doc:"the beginning of the payload, if that is UTF-8"`
	Raw      []byte    `json:"raw,omitempty" doc:"the beginning of the payload, if it is not UTF-8"`
}

// SetPayload shows at most limit bytes of a payload, cut between characters.
func (m *Message) SetPayload(payload []byte, limit int) {
	m.Bytes = len(payload)
	if len(payload) > limit {
		for n := limit; n > 0 && limit-n < utf8.UTFMax; n-- {
			if utf8.RuneStart(payload[n]) {
				limit = n
				break
			}
		}
		payload = payload[:limit]
	}
	if utf8.Valid(payload) {
		m.Text = string(payload)
	} else {
		m.Raw = payload
	}
}
