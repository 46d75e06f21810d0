package link

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// scheme of the URI that names a node in its certificate: hpfriends://CLUSTER/NODE.
const scheme = "hpfriends"

var (
	clusterID = regexp.MustCompile(`^[0-9a-f]{32}$`)
	nodeID    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// CheckNodeID refuses what cannot be a node id: it stands in a URI, in logs and on command lines.
func CheckNodeID(id string) error {
	if !nodeID.MatchString(id) {
		return fmt.Errorf("link: node id %.80q: use 1 to 64 letters, digits, dots, dashes and underscores, beginning with "+
			"a letter or digit", id)
	}
	return nil
}

func checkClusterID(id string) error {
	if !clusterID.MatchString(id) {
		return fmt.Errorf("link: cluster id %.80q: want 32 lower case hexadecimal digits", id)
	}
	return nil
}

// checkAddr refuses what others could not dial.
func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" || port == "0" || len(addr) > 255 ||
		strings.ContainsFunc(addr, unprintable) {
		return fmt.Errorf("link: address %.80q: want host:port, as the other members can dial it", addr)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return fmt.Errorf("link: address %q is every interface of this machine: name the one that the other members can dial",
			addr)
	}
	return nil
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

func nameOf(cluster, node string) *url.URL {
	return &url.URL{Scheme: scheme, Host: cluster, Path: "/" + node}
}

// parseName takes cluster and node from a certificate, which must name exactly one of each.
func parseName(cert *x509.Certificate) (cluster, node string, err error) {
	if len(cert.URIs) != 1 {
		return "", "", fmt.Errorf("link: certificate names %d nodes, want 1", len(cert.URIs))
	}
	u := cert.URIs[0]
	cluster, node = u.Host, strings.TrimPrefix(u.Path, "/")
	if u.Scheme != scheme || checkClusterID(cluster) != nil || CheckNodeID(node) != nil || *u != *nameOf(cluster, node) {
		return "", "", fmt.Errorf("link: certificate names %.120q, want hpfriends://CLUSTER/NODE", u)
	}
	return cluster, node, nil
}
