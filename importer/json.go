package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"hpfriends/internal/secret"
)

// JSON reads a users.json of the Python broker (hpfeeds/broker/auth/json.py). That refuses a file as a whole if any
// part of it is wrong, and so does JSON.
func JSON(path string) (Store, error) {
	data, err := readText(path)
	if err != nil {
		return Store{}, err
	}
	var s Store
	places := make(map[string]int)
	err = members(data, func(ident string, value json.RawMessage, line int) error {
		k, err := jsonKey(ident, value)
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		k.Where = fmt.Sprint("line ", line)
		at, again := places[ident]
		if !again {
			at = len(s.Keys)
			s.Keys, places[ident] = append(s.Keys, Key{}), at
		} else {
			s.note(s.Keys[at].Where, ident, "%s has this ident, too, and comes later: the broker takes that one", k.Where)
		}
		s.Keys[at] = k
		return nil
	})
	if err != nil {
		return Store{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func jsonKey(ident string, value json.RawMessage) (Key, error) {
	var u struct {
		Owner    json.RawMessage `json:"owner"`
		Secret   *string         `json:"secret"`
		PubChans channelList     `json:"pubchans"`
		SubChans channelList     `json:"subchans"`
	}
	if err := json.Unmarshal(value, &u); err != nil {
		return Key{}, fmt.Errorf("%q: %w", clip(ident), plain(err))
	}
	if len(u.Owner) == 0 || u.Secret == nil || u.PubChans == nil || u.SubChans == nil {
		return Key{}, fmt.Errorf("%q: owner, secret, pubchans and subchans must all be there", clip(ident))
	}
	k := Key{Ident: ident, Secret: secret.New(*u.Secret), Pub: u.PubChans, Sub: u.SubChans}
	_ = json.Unmarshal(u.Owner, &k.Owner) // what is no text names nobody
	return k, nil
}

// plain is an error of package json without the value that it found, which may be a secret.
func plain(err error) error {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) && t.Field == "" {
		return fmt.Errorf("want an object, got %s", t.Value)
	}
	if errors.As(err, &t) {
		return fmt.Errorf("%s: want %s, got %s", t.Field, t.Type, t.Value)
	}
	return err
}

// maxText is how large a store of text may be: a million keys.
const maxText = 256 << 20

// readText reads a file whose text is UTF-8; a mark of byte order is dropped.
func readText(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxText {
		return nil, fmt.Errorf("%s: more than %d bytes", path, maxText)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		for line, text := range bytes.Split(data, []byte("\n")) {
			if !utf8.Valid(text) {
				return nil, fmt.Errorf("%s: line %d: it is not UTF-8 text", path, line+1)
			}
		}
	}
	return data, nil
}

// members calls each with the members of an object, in their order: with those of equal names, too.
func members(data []byte, each func(name string, value json.RawMessage, line int) error) error {
	dec, lines := json.NewDecoder(bytes.NewReader(data)), lineCount{text: data}
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') {
		return atLine(data, dec, err, "want an object of idents")
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return atLine(data, dec, err, "")
		}
		line := lines.of(dec.InputOffset())
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return atLine(data, dec, err, "")
		}
		if err := each(name.(string), value, line); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return atLine(data, dec, err, "")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return atLine(data, dec, nil, "there is more behind the end")
	}
	return nil
}

// atLine says where in the text something is wrong.
func atLine(data []byte, dec *json.Decoder, err error, otherwise string) error {
	at, what := dec.InputOffset(), otherwise
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at, what = syntax.Offset, syntax.Error()
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		at, what = int64(len(data)), "it ends too early"
	case err != nil:
		what = err.Error()
	}
	return fmt.Errorf("line %d: %s", lineOf(data, at), what)
}

func lineOf(data []byte, at int64) int {
	lines := lineCount{text: data}
	return lines.of(at)
}

// lineCount tells the lines of places that come one behind the other, and counts each line once.
type lineCount struct {
	text   []byte
	at     int64
	before int // lines that end before at
}

func (l *lineCount) of(at int64) int {
	at = min(at, int64(len(l.text)))
	l.before += bytes.Count(l.text[l.at:at], []byte("\n"))
	l.at = at
	return 1 + l.before
}
