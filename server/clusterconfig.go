package server

import (
	"errors"
	"net"
)

// ClusterConfig make a server a member of a cluster. Bootstrap, Join and JoinTokenFile are for the first start.
type ClusterConfig struct {
	Cluster       string `yaml:"cluster" json:"cluster"`
	Advertise     string `yaml:"advertise" json:"advertise"`
	Bootstrap     bool   `yaml:"bootstrap" json:"bootstrap"`
	Join          string `yaml:"join" json:"join"`
	JoinTokenFile string `yaml:"join-token-file" json:"join-token-file"`
	Nonvoter      bool   `yaml:"nonvoter" json:"nonvoter"`
}

func (s ClusterConfig) validate() error {
	switch {
	case s.Cluster == "" && (s.Advertise != "" || s.Bootstrap || s.Join != "" || s.JoinTokenFile != "" || s.Nonvoter):
		return badConfig("--advertise, --bootstrap, --join, --join-token-file and --nonvoter need --cluster HOST:PORT")
	case s.Bootstrap && s.Join != "":
		return badConfig("--bootstrap begins a cluster, --join enters one: give one of them")
	case (s.Join == "") != (s.JoinTokenFile == ""):
		return badConfig("--join and --join-token-file belong together")
	case s.Bootstrap && s.Nonvoter:
		return badConfig("--bootstrap: the first node has the only vote, so not --nonvoter")
	}
	for name, addr := range map[string]string{"cluster": s.Cluster, "advertise": s.Advertise, "join": s.Join} {
		if addr == "" {
			continue
		}
		if err := CheckAddress(addr); err != nil {
			return badConfig("--%s %s: %v", name, addr, err)
		}
	}
	return nil
}

// CheckAddress refuses what is not HOST:PORT, and says how to write it.
func CheckAddress(addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return errors.New("want HOST:PORT, with brackets around an IPv6 address: [::1]:8080")
	}
	return nil
}
