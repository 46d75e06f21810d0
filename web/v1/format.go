package v1

import (
	"github.com/danielgtaylor/huma/v2"
)

// Parts of patterns. Go, Python and JavaScript read them alike.
const (
	year   = `[0-9]{4}`
	leap   = `[0-9]{2}([02468][048]|[13579][26])`
	day    = `((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))`
	date   = `(` + year + `-` + day + `|` + leap + `-02-29)`
	clock  = `([01][0-9]|2[0-3]):[0-5][0-9]`
	zone   = `(Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])`
	second = `:[0-5][0-9](\.[0-9]{1,9})?` + zone + `?`
	unix   = `@[0-9]{1,10}|@?([0-9]{10}|[0-9]{13}|[0-9]{16}|[1-8][0-9]{18})`
	part   = `(\.[0-9]{1,9})?`
	more   = `([0-9]{1,3}` + part + `(ms|[smhd])){0,3}`
	span   = `[0-9]{1,12}` + part + `ms|([0-9]{1,9}|[1-8][0-9]{9})` + part + `s|([0-9]{1,5}` + part +
		`[mhd]|[0-9]{1,3}` + part + `w)` + more
	window = `([1-9][0-9]{0,11}` + part + `ms|([1-9][0-9]{0,8}|[1-8][0-9]{9})` + part + `s|([1-9][0-9]{0,4}` + part +
		`[mhd]|[1-9][0-9]{0,2}` + part + `w)` + more + `)`
	moment = span + `|now|today|yesterday|tomorrow|` + date + `([T ]` + clock + `(` + second + `)?)?|` + unix
	place  = `#?(0|[1-9][0-9]{0,18})(\.(0|[1-9][0-9]{0,8}))?`
	// text is a character that graph lets into names and texts.
	text = "[^\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd\ufff9-\ufffb"
)

// formats are those of package api, as patterns for the document. What they leave out is refused by package graph and
// by query, whose errors tell people more than that a pattern does not match. Where nothing may stand, a pattern takes
// it.
var formats = map[string]string{
	"handle":           `^[A-Za-z0-9][A-Za-z0-9._+@-]{0,63}$`,
	"group":            `^` + text + ` ](` + text + `]{0,62}` + text + ` ])?$`,
	"ident":            `^` + text + `]{0,255}$`,
	"text":             `^` + text + `]*$`,
	"channels":         `^(\*|[^$*][^*]{0,253}\*?)$`,
	"channels-or-none": `^(\*|[^$*][^*]{0,253}\*?)?$`,
	"channel":          `^[^$*][^*]{0,254}$`,
	"cursor":           `^[A-Za-z0-9._:-]{1,64}$`,
	"receiver":         `^(group:.+|[A-Za-z0-9][A-Za-z0-9._+@-]{0,63})$`,
	"past":             `^(` + moment + `)$`,
	"point":            `^(` + moment + `|` + place + `)$`,
	"position":         `^(first|` + moment + `|` + place + `)$`,
	"window":           `^` + window + `$`,
	"window-or-none":   `^` + window + `?$`,
	"password-or-none": `^([^\x00]{8,})?$`,
	"kind":             `^(channel|log|group|user|share|authkey)$`,
	"object":           `^(user|group|membership|authkey|share|acceptance|token|request)(:.+)?$`,
}

// constrain replaces the formats in the document with their patterns.
func constrain(doc *huma.OpenAPI) {
	for _, path := range doc.Paths {
		for _, o := range []*huma.Operation{path.Get, path.Post, path.Patch, path.Delete} {
			if o == nil {
				continue
			}
			for _, p := range o.Parameters {
				constrainSchema(p.Schema)
			}
		}
	}
	for _, s := range doc.Components.Schemas.Map() {
		for _, p := range s.Properties {
			constrainSchema(p)
		}
	}
}

func constrainSchema(s *huma.Schema) {
	if s.Type == huma.TypeArray {
		s = s.Items
	}
	pattern, ours := formats[s.Format]
	if !ours {
		return
	}
	s.Format, s.Pattern = "", pattern // which is not compiled, and so not checked, by the library
}
