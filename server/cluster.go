package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hpfriends/internal/buildinfo"
	"hpfriends/internal/secret"
	"hpfriends/raftfsm"
	"hpfriends/raftfsm/link"
)

// clusterPart opens the cluster port and, on the first start, joins. It is nil for a node that is alone.
func (s *Server) clusterPart(ctx context.Context) (_ *raftfsm.Cluster, err error) {
	if s.Cluster == "" {
		return nil, nil
	}
	_, err = os.Stat(filepath.Join(s.DataDir, link.File))
	if errors.Is(err, fs.ErrNotExist) && !s.Bootstrap && s.Join == "" {
		return nil, badConfig(
			"%s is not of any cluster yet: give --bootstrap to begin one, or --join and --join-token-file", s.DataDir,
		)
	}
	l, err := net.Listen("tcp", s.Cluster)
	if err != nil {
		return nil, fmt.Errorf("cluster port: %w", err)
	}
	c := &raftfsm.Cluster{
		Listener: l, Advertise: s.Advertise, Bootstrap: s.Bootstrap, Reader: s.Nonvoter, Version: buildinfo.Version(),
		Started: time.Now().UTC(), Handle: s.calls.Receive, Handshakes: s.handshakes,
	}
	defer func() {
		if err != nil {
			_ = l.Close()
		}
	}()
	if c.Advertise == "" {
		c.Advertise = dialed(s.Cluster, l.Addr())
	}
	if host, _, err := net.SplitHostPort(c.Advertise); err != nil || net.ParseIP(host).IsUnspecified() {
		return nil, badConfig(
			"the cluster port listens on every interface: say with --advertise which address the other members dial",
		)
	}
	if s.Join != "" {
		if err := Join(ctx, s.Config, c.Advertise); err != nil {
			return nil, err
		}
	}
	if _, err := secret.LoadOrCreate(s.DataDir); err != nil {
		return nil, err
	}
	c.Key, err = secret.RevealDataKey(s.DataDir)
	return c, err
}

// dialed is where the others dial a port that listens at. A name that it was given stays when the address behind it
// changes, as that of a container does with each start.
func dialed(given string, at net.Addr) string {
	host, _, err := net.SplitHostPort(given)
	if _, notName := netip.ParseAddr(host); err != nil || host == "" || notName == nil {
		return at.String()
	}
	_, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return at.String()
	}
	return net.JoinHostPort(host, port)
}

// Join makes the data directory one of a member of the cluster of c.Join, which dials the new member at advertise. One
// that is a member's already stays as it is, if it is of the same cluster as the token.
func Join(ctx context.Context, c Config, advertise string) error {
	if cluster, err := raftfsm.Joined(c.DataDir); err != nil || cluster != "" {
		return errors.Join(err, sameCluster(c, cluster))
	}
	text, err := secret.ReadFile(c.JoinTokenFile, os.Stdin)
	if err != nil {
		return badConfig("--join-token-file: %v", err)
	}
	token, err := link.ParseToken(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", c.JoinTokenFile, err)
	}
	err = raftfsm.Join(ctx, raftfsm.Joining{
		Dir: c.DataDir, NodeID: c.NodeID, Token: token, Addr: c.Join, Advertise: advertise,
		Key: func(key []byte) error { return secret.AdoptDataKey(c.DataDir, key) },
	})
	if err != nil {
		return fmt.Errorf("join the cluster at %s: %w", c.Join, err)
	}
	return nil
}

// sameCluster refuses a member that is told to join another cluster. The token may be over, or gone: it was for the
// first start.
func sameCluster(c Config, cluster string) error {
	if cluster == "" || c.JoinTokenFile == "-" {
		return nil
	}
	text, err := secret.ReadFile(c.JoinTokenFile, os.Stdin)
	if err != nil {
		return nil
	}
	token, err := link.ParseToken(string(text))
	if err != nil {
		return nil
	}
	return token.Check(time.Time{}, cluster)
}

// readyTimeout bounds the wait of a node that is alone. In a cluster it may take until an operator starts the others.
const readyTimeout = 30 * time.Second

// stillWaiting is how often a node that waits for its cluster says why.
const stillWaiting = 10 * time.Second

func (s *Server) awaitReady(ctx context.Context) error {
	for {
		limit := readyTimeout
		if s.Cluster != "" {
			limit = stillWaiting
		}
		wait, cancel := context.WithTimeout(ctx, limit)
		err := s.node.AwaitReady(wait)
		cancel()
		if err == nil || s.Cluster == "" || ctx.Err() != nil ||
			!errors.Is(err, raftfsm.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		why := strings.TrimPrefix(err.Error(), "raftfsm: ")
		s.Logger.Warn("waiting for the cluster", "why", why)
		s.tellSupervisor("STATUS=waiting for the cluster: " + why)
	}
}
