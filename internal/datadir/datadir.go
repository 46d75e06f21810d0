package datadir

import (
	"context"
	"net"
	"net/http"
	"time"
)

const (
	Socket        = "hpfriends.sock" // in the data directory; its owner is admin
	AddressesFile = "addresses.json" // in the data directory while a server runs
)

// Addresses says where a running server listens: what port 0 became.
type Addresses struct {
	Hpfeeds []string `json:"hpfeeds"`
	HTTP    string   `json:"http,omitempty"`
	Cluster string   `json:"cluster,omitempty"`
	Socket  string   `json:"socket"`
	PID     int      `json:"pid"`
}

// SocketClient is an HTTP client on the local socket at path.
func SocketClient(path string) *http.Client {
	return &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "unix", path)
			},
		},
	}
}
