package datadir

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
