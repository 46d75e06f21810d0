package term

import (
	"encoding/json"
	"fmt"
	"io"

	"hpfriends/internal/ndjson"
)

// WriteJSON writes v as indented JSON in which no character acts on a terminal.
func WriteJSON(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", ndjson.Escape(b))
	return err
}
