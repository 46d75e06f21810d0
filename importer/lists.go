package importer

import (
	"encoding/json"
	"fmt"
	"strings"
)

// channelList is a list of channels as the stores have it: JSON.
type channelList []string

// UnmarshalJSON takes a list of strings. Members of other types match no channel, and are dropped.
func (l *channelList) UnmarshalJSON(data []byte) error {
	var all []json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil || all == nil {
		return fmt.Errorf("want a list of channels like [\"a\",\"b\"], got %s", clip(string(data)))
	}
	*l = channelList{}
	for _, one := range all {
		var s string
		if strings.HasPrefix(string(one), `"`) && json.Unmarshal(one, &s) == nil {
			*l = append(*l, s)
		}
	}
	return nil
}

// parseList reads a list that stands as text in a column.
func parseList(column string, v any) (channelList, error) {
	text, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%s: want a list of channels like [\"a\",\"b\"], got %s", column, describe(v))
	}
	var l channelList
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		if !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("%s: want a list of channels like [\"a\",\"b\"], got %s", column, clip(text))
		}
		return nil, fmt.Errorf("%s: %w", column, err)
	}
	return l, nil
}

// describe says what a value is, without what it says: it may be a secret in the wrong column.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing (NULL)"
	case []byte:
		return fmt.Sprintf("%d bytes that are no text", len(v))
	case string:
		return "text"
	}
	return fmt.Sprint(v)
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
