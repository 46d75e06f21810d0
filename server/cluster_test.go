package server

import (
	"net"
	"testing"
)

func TestMembersDialTheNameThatThePortWasGiven(t *testing.T) {
	at := &net.TCPAddr{IP: net.IPv4(172, 19, 0, 2), Port: 7000}
	for given, want := range map[string]string{
		"n1:7000":             "n1:7000",
		"n1:0":                "n1:7000",
		"n1.example.org:7000": "n1.example.org:7000",
		"172.19.0.2:7000":     "172.19.0.2:7000",
		"172.19.0.2:0":        "172.19.0.2:7000",
		"[fe80::1%eth0]:7000": "172.19.0.2:7000",
		":7000":               "172.19.0.2:7000", // clusterPart refuses it when that is every interface
	} {
		if got := dialed(given, at); got != want {
			t.Errorf("--cluster %s: the others dial %s, want %s", given, got, want)
		}
	}
}
