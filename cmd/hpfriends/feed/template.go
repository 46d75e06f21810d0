package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/term"
	"hpfriends/wire"
)

// templateMessage is what a template of --format sees.
type templateMessage struct {
	Time     time.Time // at which the log took it; zero where the broker does not tell it
	Received time.Time // by the clock here
	Channel  any
	Ident    any
	Payload  any
	Position string // "#812.4"; empty where the broker does not tell it
	JSON     any    // the payload if it is JSON, otherwise an empty object
}

// foreign is text of somebody else, which prints with its control characters made visible.
type foreign string

func (s foreign) String() string { return term.Visible(string(s)) }

// messageTemplate prints messages by a template. Without raw, nothing in a message begins a line or reaches the
// terminal.
type messageTemplate struct {
	template *template.Template
	raw      bool
	failed   func(error) // a message that the template cannot print; it is printed as without a template
}

// parseTemplate reads a template and tries it on a message.
func parseTemplate(text string, raw bool) (*messageTemplate, error) {
	t, err := template.New("format").Funcs(template.FuncMap{
		"json": func(v any) (string, error) {
			b, err := json.Marshal(v)
			return string(ndjson.Escape(b)), err
		},
		"text": func(v any) string { return term.Visible(fmt.Sprint(v)) },
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("--format: %w", err)
	}
	m := &messageTemplate{template: t, raw: raw, failed: func(error) {}}
	err = t.Execute(io.Discard, m.value(&message{Message: wire.Message{Payload: []byte(`{}`)}, received: time.Now()}))
	var failed template.ExecError
	if errors.As(err, &failed) && strings.Contains(err.Error(), fmt.Sprintf("in type %T", templateMessage{})) {
		return nil, fmt.Errorf("--format: %w: there are .Time .Received .Channel .Ident .Payload .Position .JSON", err)
	}
	return m, nil // what else may fail depends on the payload
}

func (t *messageTemplate) value(m *message) templateMessage {
	v := templateMessage{
		Time: m.time.UTC(), Received: m.received.UTC(), Channel: m.Channel, Ident: m.Ident, Payload: string(m.Payload),
	}
	if (m.position != entry.Position{}) {
		v.Position = m.position.String()
	}
	d := json.NewDecoder(bytes.NewReader(m.Payload))
	d.UseNumber() // a number prints as it was written
	if err := d.Decode(&v.JSON); err != nil || v.JSON == nil {
		v.JSON = map[string]any{}
	}
	if !t.raw {
		v.Channel, v.Ident, v.Payload = foreign(m.Channel), foreign(m.Ident), foreign(m.Payload)
		v.JSON = guard(v.JSON)
	}
	return v
}

// guard makes what is text in a JSON value foreign.
func guard(v any) any {
	switch v := v.(type) {
	case string:
		return foreign(v)
	case []any:
		for i := range v {
			v[i] = guard(v[i])
		}
	case map[string]any:
		safe := make(map[string]any, len(v))
		for key, value := range v {
			safe[term.Visible(key)] = guard(value)
		}
		return safe
	}
	return v
}

// format prints a message. A line end is added where there is none, unless the output is raw.
func (t *messageTemplate) format(dst []byte, m *message) []byte {
	var out bytes.Buffer
	if err := t.template.Execute(&out, t.value(m)); err != nil {
		t.failed(err)
		return formatText(dst, m)
	}
	if t.raw {
		return append(dst, out.Bytes()...)
	}
	// The values are safe; functions can have made something else of them.
	dst = term.AppendVisible(dst, out.Bytes(), "\t\n")
	if !bytes.HasSuffix(dst, []byte("\n")) {
		dst = append(dst, '\n')
	}
	return dst
}
