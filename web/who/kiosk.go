package who

import (
	"errors"
	"net/http"
	"strings"

	"hpfriends/graph"
)

// Kiosk lets anybody see the map of one pattern, as one user sees it, and nothing else. Disabling the user closes it.
type Kiosk struct {
	Handle  string
	Channel graph.Pattern
}

// ParseKiosk reads USER:CHANNEL; nothing is no kiosk.
func ParseKiosk(text string) (*Kiosk, error) {
	if text == "" {
		return nil, nil
	}
	user, channel, _ := strings.Cut(text, ":")
	if graph.ValidateHandle(user) != nil {
		return nil, errors.New("want USER:CHANNEL, like honeymap:geoloc.events")
	}
	pattern, err := graph.ParsePattern(channel)
	return &Kiosk{user, pattern}, err
}

// Ask takes everybody for the user of the kiosk, as long as that is enabled.
func (k *Kiosk) Ask(g func() *graph.Graph) Authenticate {
	return func(*http.Request) (graph.Actor, error) {
		u, ok := g().UserByHandle(k.Handle)
		if !ok || !u.Enabled {
			return graph.Actor{}, &graph.Error{Code: graph.NotFound, Msg: "This map is closed."}
		}
		return graph.Actor{User: u.ID, From: "kiosk"}, nil
	}
}
