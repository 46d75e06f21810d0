package v1

import (
	"net/http"
	"regexp"

	"github.com/danielgtaylor/huma/v2"
)

// refuseEmpty refuses parameters that are given without a value where that is none: the library takes them for left
// out.
func refuseEmpty(h huma.API) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		u := c.URL()
		given := u.Query()
		for _, p := range c.Operation().Parameters {
			if values, ok := given[p.Name]; ok && p.In == "query" && values[0] == "" && !takesEmpty(p.Schema) {
				_ = huma.WriteErr(h, c, http.StatusUnprocessableEntity, "validation failed",
					&huma.ErrorDetail{Location: "query." + p.Name, Message: "is empty"})
				return
			}
		}
		next(c)
	}
}

// takesEmpty reports whether the empty text is a value.
func takesEmpty(s *huma.Schema) bool {
	if s.Type == huma.TypeArray { // of no elements
		return s.MinItems == nil
	}
	if s.Type != huma.TypeString || len(s.Enum) > 0 || s.MinLength != nil && *s.MinLength > 0 {
		return false
	}
	return s.Pattern == "" || regexp.MustCompile(s.Pattern).MatchString("")
}
