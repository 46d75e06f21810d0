package v1

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/internal/ndjson"
)

func init() {
	huma.DefaultArrayNullable = false // no list is null, sent or answered
	huma.ValidateStrictCasing = true  // a name has one spelling
}

// null takes the place of a null in a body that is about to be validated: it is of no type, so it is refused. The
// library would take it for a field that was left out.
type null struct{}

// unmarshal reads a body: into an any for the library to validate it, and then into an input.
func unmarshal(data []byte, v any) error {
	var parsed any
	if err := ndjson.Unmarshal(data, &parsed); err != nil {
		return err
	}
	if out, ok := v.(*any); ok {
		*out = withoutNulls(parsed)
		return nil
	}
	data, err := json.Marshal(parsed) // 60.0 becomes 60, which an integer takes
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case nil:
		return null{}
	case map[string]any:
		for k := range v {
			v[k] = withoutNulls(v[k])
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}
