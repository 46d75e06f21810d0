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
	var all []error
	wrong := func(format string, args ...any) { all = append(all, badConfig(format, args...)) }
	switch {
	case s.Cluster == "" && (s.Advertise != "" || s.Bootstrap || s.Join != "" || s.JoinTokenFile != "" || s.Nonvoter):
		wrong("--advertise, --bootstrap, --join, --join-token-file and --nonvoter need --cluster HOST:PORT")
	case s.Bootstrap && s.Join != "":
		wrong("--bootstrap begins a cluster, --join enters one: give one of them")
	case (s.Join == "") != (s.JoinTokenFile == ""):
		wrong("--join and --join-token-file belong together")
	case s.Bootstrap && s.Nonvoter:
		wrong("--bootstrap: the first node has the only vote, so not --nonvoter")
	}
	for _, one := range [][2]string{{"cluster", s.Cluster}, {"advertise", s.Advertise}, {"join", s.Join}} {
		if one[1] == "" {
			continue
		}
		if err := CheckAddress(one[1]); err != nil {
			wrong("--%s %s: %v", one[0], one[1], err)
		}
	}
	return errors.Join(all...)
}

// CheckAddress refuses what is not HOST:PORT, and says how to write it.
func CheckAddress(addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return errors.New("want HOST:PORT, with brackets around an IPv6 address: [::1]:8080")
	}
	return nil
}
