package server

import (
	"net"

	"hpfriends/web/who"
)

// Guest is somebody whom the login page offers to be, with one click: in a demo, whose passwords are no secret. No flag
// and no setting makes one.
type Guest = who.Guest

// guests are those whom the login page offers. A server that others can reach has none.
func (s Config) guests() ([]Guest, error) {
	if len(s.FirstAdmin.Guests) == 0 {
		return nil, nil
	}
	e, err := s.httpEndpoint()
	if err != nil || !net.ParseIP(e.Interface).IsLoopback() {
		return nil, badConfig("guests come over loopback only, not to %s", s.HTTP)
	}
	return s.FirstAdmin.Guests, nil
}
