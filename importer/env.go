package importer

import (
	"slices"
	"strings"

	"hpfriends/internal/secret"
)

// The variables of an ident are HPFEEDS_IDENT_SECRET and so on.
const envPrefix, envSecret = "HPFEEDS_", "_SECRET"

// Env reads the environment as the Python broker does (hpfeeds/broker/auth/env.py), given as NAME=VALUE. That one asks
// for the variables of the ident that logs in, in capitals, so that IDENT, Ident and ident are all let in. Which of
// them is in use the environment does not say: Env takes the one in small letters.
func Env(environ []string) (Store, error) {
	vars := make(map[string]string)
	for _, one := range environ {
		name, value, _ := strings.Cut(one, "=")
		if strings.HasPrefix(name, envPrefix) {
			vars[name] = value
		}
	}
	var s Store
	for name, plain := range vars {
		ident, ok := strings.CutSuffix(strings.TrimPrefix(name, envPrefix), envSecret)
		if !ok || plain == "" { // as if it were not set
			continue
		}
		if ident != strings.ToUpper(ident) {
			s.note(name, ident, "it is not in capitals: the broker never looks for it")
			continue
		}
		of := func(what string) string { return vars[envPrefix+ident+"_"+what] }
		s.Keys = append(s.Keys, Key{name, strings.ToLower(ident), of("OWNER"), secret.New(plain), commas(of("PUBCHANS")),
			commas(of("SUBCHANS"))})
	}
	slices.SortFunc(s.Keys, func(a, b Key) int { return strings.Compare(a.Ident, b.Ident) })
	if len(s.Keys) > 0 {
		s.note("environment", "", "idents are taken in small letters; the broker lets them in however they are written")
	}
	slices.SortFunc(s.Problems, func(a, b Problem) int { return strings.Compare(a.Where, b.Where) })
	return s, nil
}

// commas splits a list. A list that is not set holds nothing; the broker has an empty name there.
func commas(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ","), func(s string) bool { return s == "" })
}
