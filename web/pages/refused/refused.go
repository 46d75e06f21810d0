// Package refused explains what Logs has: why something was refused, and where that is mended. It is pure.
package refused

import (
	"net/url"
	"strings"
	"time"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/query/view"
)

// Reason is why something was refused, and where that is mended.
type Reason struct {
	Because       string // a sentence
	Lists         bool   // it goes on with what is allowed
	Allowed       []graph.Pattern
	Address, Verb string // empty: who sees it cannot mend it
}

// Why explains a row to somebody.
func Why(v graph.Viewer, row view.LogRow, now time.Time) Reason {
	key, err := query.ResolveAuthkey(v, row.Identifier)
	edit := "/authkey?" + url.Values{"ident": {row.Identifier}}.Encode()
	switch {
	case strings.HasPrefix(row.Message, "Pre-auth: Need"):
		return Reason{Because: "It sent something before it had logged in. A client that is no hpfeeds client does that."}
	case row.Message == entry.PasswordIncorrect:
		return Reason{
			Because: "Somebody gave a wrong password for this account. Was it not you, so that you did not mistype it: the " +
				"password was not found, and guesses are slowed down.", Address: "/account", Verb: "Account",
		}
	case err != nil:
		add := "/authkeys?" + url.Values{"add": {"1"}, "ident": {row.Identifier}}.Encode()
		return Reason{
			Because: "There is no authkey of this name that you may see. If the sensor is yours, add one with this " +
				"identifier, and give the sensor its secret; else it is somebody’s mistake, or a guess, and you can leave it.",
			Address: add, Verb: "Add authkey",
		}
	case row.Kind == view.LogPublish:
		return Reason{"The authkey may publish on", true, key.Pub, edit, "Edit authkey"}
	case row.Kind == view.LogSubscribe:
		return Reason{"The authkey may subscribe to", true, key.Sub, edit, "Edit authkey"}
	case strings.HasPrefix(row.Message, "Pre-auth: Authkey secret"):
		return Reason{
			Because: "It has another secret than the authkey. Copy the secret again, or make a new one.",
			Address: edit, Verb: "New secret",
		}
	case row.Kind == view.LogLogin && !key.Enabled:
		return Reason{Because: "The authkey is disabled.", Address: edit, Verb: "Edit authkey"}
	case row.Kind == view.LogLogin && !key.Expires.IsZero() && key.Expires.Before(now):
		return Reason{Because: "The authkey has expired.", Address: edit, Verb: "Edit authkey"}
	}
	return Reason{}
}
