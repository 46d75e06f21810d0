package ndjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Message is one message. What is not known is empty: a subscriber is not told the origin.
type Message struct {
	Position string    // "#812.4"
	Time     time.Time // at which the log took it
	Received time.Time // at which who wrote the line had it, by the clock there
	Channel  []byte
	Ident    []byte // authkey that published it
	Origin   string // handle of its owner
	Payload  []byte
}

// Gap says that retention has taken what was in [From, To).
type Gap struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// End is the last line of a stream.
type End struct {
	End      bool   `json:"end"` // false: something failed, and Error says what
	Messages uint64 `json:"messages"`
	Next     string `json:"next"` // where to go on
	Error    string `json:"error,omitempty"`
}

// Record is one line: exactly one of its fields is set.
type Record struct {
	Message *Message
	Gap     *Gap
	End     *End
}

// line is a Message as JSON.
type line struct {
	Position      string  `json:"position,omitempty"`
	Time          string  `json:"time,omitempty"`
	Received      string  `json:"received,omitempty"`
	Channel       *string `json:"channel,omitempty"`
	ChannelBase64 string  `json:"channel_base64,omitempty"`
	Ident         *string `json:"ident,omitempty"`
	IdentBase64   string  `json:"ident_base64,omitempty"`
	Origin        string  `json:"origin,omitempty"`
	Payload       *string `json:"payload,omitempty"`
	PayloadBase64 string  `json:"payload_base64,omitempty"`
}

// fields are the keys of all lines.
var fields = []string{
	"position", "time", "received", "channel", "channel_base64", "ident", "ident_base64", "origin", "payload",
	"payload_base64", "gap", "end", "messages", "next", "error",
}

// Append appends m as a line, with its end.
func Append(dst []byte, m Message) []byte {
	l := line{Position: m.Position, Time: stamp(m.Time), Received: stamp(m.Received), Origin: m.Origin}
	l.Channel, l.ChannelBase64 = textOrBase64(m.Channel)
	l.Ident, l.IdentBase64 = textOrBase64(m.Ident)
	l.Payload, l.PayloadBase64 = textOrBase64(m.Payload)
	return appendLine(dst, l)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// AppendGap appends g as a line.
func AppendGap(dst []byte, g Gap) []byte {
	return appendLine(dst, struct {
		Gap Gap `json:"gap"`
	}{g})
}

// AppendEnd appends e as a line.
func AppendEnd(dst []byte, e End) []byte { return appendLine(dst, e) }

func appendLine(dst []byte, v any) []byte {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return append(append(dst, Escape(encoded)...), '\n')
}

func textOrBase64(b []byte) (*string, string) {
	if utf8.Valid(b) {
		s := string(b)
		return &s, ""
	}
	return nil, base64.StdEncoding.EncodeToString(b)
}

// Parse reads a line, with or without its end. Fields that it does not know are left alone. A message needs a channel
// and a payload; what else it lacks is empty. What cannot be read byte for byte is refused.
func Parse(b []byte) (Record, error) {
	var v struct {
		line
		Gap      *Gap   `json:"gap"`
		End      *bool  `json:"end"`
		Messages uint64 `json:"messages"`
		Next     string `json:"next"`
		Error    string `json:"error"`
	}
	keys, err := unmarshal(b, &v)
	var other *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &other), errors.As(err, &wrong):
		return Record{}, fmt.Errorf("no line of JSON: %w", err)
	case err != nil:
		return Record{}, err
	}
	for _, k := range keys {
		if field := strings.ToLower(k); field != k && slices.Contains(fields, field) {
			return Record{}, fmt.Errorf("the key %s: want %s", quote(k), field)
		}
	}
	message := v.Channel != nil || v.ChannelBase64 != "" || v.Payload != nil || v.PayloadBase64 != ""
	switch {
	case message && (v.Gap != nil || v.End != nil), v.Gap != nil && v.End != nil:
		return Record{}, errors.New("a message, a gap and an end are one line each")
	case v.Gap != nil:
		return Record{Gap: v.Gap}, nil
	case v.End != nil:
		return Record{End: &End{*v.End, v.Messages, v.Next, v.Error}}, nil
	}
	m, err := v.message()
	return Record{Message: m}, err
}

func (l *line) message() (*Message, error) {
	m := &Message{Position: l.Position, Origin: l.Origin}
	var errs [4]error
	if l.Time != "" {
		m.Time, errs[0] = time.Parse(time.RFC3339Nano, l.Time)
	}
	if l.Received != "" && errs[0] == nil {
		m.Received, errs[0] = time.Parse(time.RFC3339Nano, l.Received)
	}
	m.Channel, errs[1] = bytesOf("channel", l.Channel, l.ChannelBase64)
	m.Ident, errs[2] = bytesOf("ident", l.Ident, l.IdentBase64)
	m.Payload, errs[3] = bytesOf("payload", l.Payload, l.PayloadBase64)
	if len(m.Channel) == 0 && errs[1] == nil {
		errs[1] = errors.New("no channel")
	}
	if l.Payload == nil && l.PayloadBase64 == "" {
		errs[3] = errors.New("no payload")
	}
	return m, errors.Join(errs[:]...)
}

func bytesOf(name string, text *string, encoded string) ([]byte, error) {
	switch {
	case text != nil && encoded != "":
		return nil, fmt.Errorf("both %s and %s_base64", name, name)
	case text != nil:
		return []byte(*text), nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("%s_base64: %w", name, err)
	}
	return b, nil
}

// Escape escapes what encoding/json leaves as it is and a terminal does not: DEL, the C1 controls, and characters that
// are invisible or turn the direction of text. They occur in strings only. Line ends between the lines of an indented
// value stay.
func Escape(b []byte) []byte {
	if !bytes.ContainsFunc(b, unprintable) {
		return b
	}
	var out []byte
	for _, r := range string(b) {
		if unprintable(r) {
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, "\\u%04x", unit)
			}
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

func unprintable(r rune) bool { return r != '\n' && !strconv.IsPrint(r) }
