package ndjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Unmarshal is json.Unmarshal of what can be read whole and unaltered: it refuses what json.Unmarshal would change or
// leave out without a word. That is text (see ErrInexact), and a key that an object has twice: keys that differ by case
// are the same there, and the last one wins.
func Unmarshal(b []byte, v any) error {
	_, err := unmarshal(b, v)
	return err
}

// unmarshal also returns the keys of the outermost object.
func unmarshal(b []byte, v any) (keys []string, err error) {
	if bytes.HasPrefix(b, []byte("\ufeff")) {
		return nil, fmt.Errorf("it begins with a byte order mark: write it as UTF-8 without one")
	}
	err = json.Unmarshal(b, v)
	if inexact := exact(b); inexact != nil {
		return nil, inexact
	}
	if err != nil {
		return nil, err
	}
	return uniqueKeys(b)
}

// uniqueKeys refuses JSON with an object that has a key twice. It returns the keys of the outermost object.
func uniqueKeys(b []byte) (keys []string, err error) {
	var open []map[string]string // of each object around, its keys by how they are folded; nil for a list
	key := false                 // a string would be a key
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{':
			open, key = append(open, make(map[string]string)), true
		case '[':
			open, key = append(open, nil), false
		case '}', ']':
			open, key = open[:len(open)-1], false
		case ',':
			key = open[len(open)-1] != nil
		case '"':
			begin := i
			if i = closing(b, i); !key {
				continue
			}
			key = false
			var name string
			if err := json.Unmarshal(b[begin:i+1], &name); err != nil {
				return nil, err
			}
			seen := open[len(open)-1]
			folded := strings.ToLower(strings.ToUpper(name))
			if other, twice := seen[folded]; twice {
				return nil, fmt.Errorf("one object has the keys %s and %s", quote(other), quote(name))
			}
			seen[folded] = name
			if len(open) == 1 {
				keys = append(keys, name)
			}
		}
	}
	return keys, nil
}

// closing returns where the string ends that begins at i.
func closing(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i
}

// quote is a key in an error.
func quote(key string) string { return strconv.QuoteToASCII(fmt.Sprintf("%.40s", key)) }
