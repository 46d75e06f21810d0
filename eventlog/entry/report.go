package entry

import (
	"encoding/json"
	"fmt"
	"time"
)

// Report is an entry of KindReport: what one node counted and refused since its last report. Encoded as JSON behind the
// kind byte: it is small, rare, and read by people through `log dump`.
type Report struct {
	Node     string    `json:"node"`
	Time     time.Time `json:"time"`
	Usage    []Usage   `json:"usage,omitempty"`
	Refusals []Refusal `json:"refusals,omitempty"`
}

// Usage is the statistics of one authkey, as deltas in a Report and as totals in SpaceStats. Bytes and messages are
// seen from the broker: received from the client, sent to the client.
type Usage struct {
	Authkey       uint64    `json:"authkey"`
	BytesReceived uint64    `json:"bytes_received"`
	BytesSent     uint64    `json:"bytes_sent"`
	Published     uint64    `json:"published"`
	Received      uint64    `json:"received"`
	LastSeen      time.Time `json:"last_seen"`
	LastAddr      string    `json:"last_addr,omitempty"`
	OldSecret     time.Time `json:"old_secret,omitzero"` // last login with the secret that the authkey had before
}

// PasswordIncorrect is the message of a Refusal of a login with a password. Its ident is the handle that was given.
const PasswordIncorrect = "Password incorrect."

// Refusal is one row of the Logs page: equal refusals fold into one row with a count. What makes one is of few values,
// and what is of many, such as the size of a message, is Detail.
type Refusal struct {
	Owner   uint64    `json:"owner,omitempty"`   // user who sees the row; 0: admins only
	Authkey uint64    `json:"authkey,omitempty"` // 0: the ident is unknown
	Ident   string    `json:"ident"`
	Message string    `json:"message"`
	Detail  string    `json:"detail,omitempty"` // of the newest: refusals that differ only in it are equal
	Channel string    `json:"channel,omitempty"`
	Addr    string    `json:"addr"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Count   uint64    `json:"count"`
	Index   uint64    `json:"index,omitempty"` // of the entry that last changed the row; none in a Report
}

// Add folds another usage of the same authkey into u.
func (u *Usage) Add(d Usage) {
	u.BytesReceived += d.BytesReceived
	u.BytesSent += d.BytesSent
	u.Published += d.Published
	u.Received += d.Received
	if d.LastSeen.After(u.LastSeen) {
		u.LastSeen, u.LastAddr = d.LastSeen, d.LastAddr
	}
	if d.OldSecret.After(u.OldSecret) {
		u.OldSecret = d.OldSecret
	}
}

// Encode returns the entry's data, kind byte first.
func (r *Report) Encode() ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("eventlog: encode report: %w", err)
	}
	return append([]byte{byte(KindReport)}, body...), nil
}

// DecodeReport decodes an entry's data, kind byte first.
func DecodeReport(data []byte) (*Report, error) {
	if len(data) == 0 || Kind(data[0]) != KindReport {
		return nil, fmt.Errorf("eventlog: not a report")
	}
	r := new(Report)
	if err := json.Unmarshal(data[1:], r); err != nil {
		return nil, fmt.Errorf("eventlog: decode report: %w", err)
	}
	return r, nil
}
