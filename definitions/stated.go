package definitions

import (
	"fmt"
	"strings"

	"hpfriends/graph"
)

// stated are what something new is beside its name, in words: what somebody wants to know before it is there.
type stated []string

func (s *stated) say(name, value string) {
	if value != "" {
		*s = append(*s, name+": "+value)
	}
}

func (s *stated) is(name string, so bool) {
	if so {
		*s = append(*s, name)
	}
}

// few is a list in words, of which many are counted.
func few[T ~string](list []T) string {
	const most = 8
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", joined(sortedCopy(list)[:most]), len(list)-most)
	}
	return joined(list)
}

func (u User) stated() (s stated) {
	if u.Role != graph.Member {
		s.say("role", string(u.Role))
	}
	s.is("disabled", u.Disabled)
	return s
}

func (g Group) stated() (s stated) {
	s.say("admins", few(g.Admins))
	s.say("members", few(g.Members))
	return s
}

// stated has no secret, and whose the authkey is comes elsewhere.
func (k Authkey) stated() (s stated) {
	s.say("pub", few(k.Pub))
	s.say("sub", few(k.Sub))
	s.say("networks", few(texts(k.Networks)))
	if k.MaxMessage != 0 {
		s.say("max_message", fmt.Sprint(k.MaxMessage))
	}
	if k.Expires != nil {
		s.say("expires", timeText(k.Expires))
	}
	s.is("disabled", k.Disabled)
	return s
}

func (s Share) stated() (out stated) {
	if s.Type != graph.Own {
		out.say("type", string(s.Type))
	}
	if s.History != graph.FromShare {
		out.say("history", string(s.History))
	}
	if s.Expires != nil {
		out.say("expires", timeText(s.Expires))
	}
	out.is("enabled by "+strings.Join(s.EnabledBy, " "), len(s.EnabledBy) > 0)
	out.is("disabled by "+strings.Join(s.DisabledBy, " "), len(s.DisabledBy) > 0)
	return out
}
