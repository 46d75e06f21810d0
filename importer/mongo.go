package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"hpfriends/internal/secret"
)

// Mongo reads what mongoexport wrote of the collection auth_key of MHN, CHN and of the Python broker with --auth
// mongodb://: a document a line, or an array with --jsonArray. MHN and that broker take the ident for the owner; CHN's
// documents name one.
func Mongo(path string) (Store, error) {
	data, err := readText(path)
	if err != nil {
		return Store{}, err
	}
	var s Store
	seen := make(map[string]string)
	err = documents(data, func(doc json.RawMessage, line int) {
		s.document(doc, fmt.Sprint("line ", line), seen)
	})
	if err != nil {
		return Store{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// documents calls each with the documents of an export.
func documents(data []byte, each func(doc json.RawMessage, line int)) error {
	dec, lines := json.NewDecoder(bytes.NewReader(data)), lineCount{text: data}
	array := strings.HasPrefix(strings.TrimSpace(string(data[:min(len(data), 1000)])), "[")
	if array {
		if _, err := dec.Token(); err != nil {
			return atLine(data, dec, err, "")
		}
	}
	for !array || dec.More() {
		var doc json.RawMessage
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) && !array {
			return nil
		}
		if err != nil {
			return atLine(data, dec, err, "")
		}
		each(doc, lines.of(dec.InputOffset()-int64(len(doc))))
	}
	if _, err := dec.Token(); err != nil {
		return atLine(data, dec, err, "")
	}
	return nil
}

func (s *Store) document(doc json.RawMessage, where string, seen map[string]string) {
	var d struct {
		Identifier *string     `json:"identifier"`
		Ident      *string     `json:"ident"` // of CHN's broker
		Secret     *string     `json:"secret"`
		Owner      string      `json:"owner"`
		Publish    channelList `json:"publish"`
		Subscribe  channelList `json:"subscribe"`
		PubChans   channelList `json:"pubchans"`
		SubChans   channelList `json:"subchans"`
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		s.note(where, "", "%v: nobody could log in with it", plain(err))
		return
	}
	if d.Identifier == nil {
		d.Identifier = d.Ident
	}
	if d.Identifier == nil || d.Secret == nil {
		s.note(where, "", "it has no identifier or no secret: nobody could log in with it")
		return
	}
	ident := *d.Identifier
	if first, again := seen[ident]; again {
		s.note(where, ident, "%s has this ident, too, and comes first: the broker finds that one", first)
		return
	}
	seen[ident] = where
	s.Keys = append(s.Keys, Key{where, ident, d.Owner, secret.New(*d.Secret), append(d.Publish, d.PubChans...),
		append(d.Subscribe, d.SubChans...)})
}
