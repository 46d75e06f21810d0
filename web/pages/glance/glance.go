// Package glance is what can be seen at a glance: small charts, and authkeys that somebody should look at. It is pure.
package glance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hpfriends/query/view"
)

// Spark is a small chart of counts.
type Spark []uint64

const sparkWidth, sparkHeight = 96, 20

// Points are those of a line in a picture of sparkWidth by sparkHeight.
func (s Spark) Points() string {
	most := slices.Max(append(slices.Clone(s), 1))
	var b strings.Builder
	for i, n := range s {
		x := float64(i) * sparkWidth / float64(max(len(s)-1, 1))
		y := sparkHeight - 1 - float64(n)*(sparkHeight-2)/float64(most)
		fmt.Fprintf(&b, "%.1f,%.1f ", x, y)
	}
	return strings.TrimSpace(b.String())
}

// Ailment is what an authkey suffers from.
type Ailment struct {
	view.Authkey
	What string // a sentence; empty: it is well
	When *time.Time
}

// soon is how long before it expires one is told of it; silent is how long a sensor is quiet before one wonders.
const (
	soon   = 7 * 24 * time.Hour
	silent = 24 * time.Hour
)

// AilmentOf finds what is the matter with an authkey.
func AilmentOf(k view.Authkey, now time.Time) Ailment {
	s := view.Stats{}
	if k.Stats != nil {
		s = *k.Stats
	}
	switch {
	case !k.Enabled:
		return Ailment{k, "It is disabled.", nil}
	case k.Expires != nil && k.Expires.Before(now):
		return Ailment{k, "It has expired:", k.Expires}
	case k.Expires != nil && k.Expires.Sub(now) < soon:
		return Ailment{k, "It will expire:", k.Expires}
	case k.OldUntil != nil && k.OldUntil.After(now) && s.OldSecretSeen != nil:
		return Ailment{k, "Something still uses its old secret, which will end:", k.OldUntil}
	case s.LastSeen == nil:
		return Ailment{k, "Nothing has used it yet.", nil}
	case len(k.Pub) > 0 && now.Sub(*s.LastSeen) > silent:
		return Ailment{k, "It is silent; it was last seen:", s.LastSeen}
	}
	return Ailment{}
}
