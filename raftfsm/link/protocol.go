package link

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// What is spoken on a connection, by ALPN.
const (
	protoRaft = "hpfriends-raft/1"
	protoCall = "hpfriends-call/1"
	protoJoin = "hpfriends-join/1"
)

// HandshakeTimeout bounds everything before a connection is known to be a member's: TLS and the greeting.
const HandshakeTimeout = 5 * time.Second

// serverTLS: members prove who they are, joiners do not have a certificate yet.
func (p *Port) serverTLS() *tls.Config {
	base := &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		SessionTicketsDisabled:      true, // each connection proves its identity anew
		DynamicRecordSizingDisabled: true, // entries are large: full records from the first
		GetCertificate:              func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.certificate(), nil },
	}
	members := base.Clone()
	members.NextProtos = []string{protoRaft, protoCall}
	members.ClientAuth = tls.RequireAnyClientCert // verified here, where the authority is known
	members.VerifyConnection = func(cs tls.ConnectionState) error {
		if cs.NegotiatedProtocol == "" { // a client without ALPN is let through by crypto/tls
			return errors.New("link: no protocol was named")
		}
		_, err := p.id.verify(cs.PeerCertificates, x509.ExtKeyUsageClientAuth)
		return err
	}
	joiners := base.Clone()
	joiners.NextProtos = []string{protoJoin}
	base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == protoJoin {
			return joiners, nil
		}
		return members, nil
	}
	return base
}

// certificate is the node's, renewed when it is time.
func (p *Port) certificate() *tls.Certificate {
	cert, err := p.id.certificate()
	if err != nil {
		p.log.Error("the node's certificate was not renewed", "err", err)
	}
	return cert
}

// dialTLS opens a connection to addr and completes TLS as a member, for proto. The other side must be node.
func (p *Port) dialTLS(ctx context.Context, addr, node, proto string) (*tls.Conn, error) {
	raw, err := p.config.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		NextProtos:                  []string{proto},
		InsecureSkipVerify:          true, // the name is a URI, which crypto/tls does not check: VerifyConnection does it all
		DynamicRecordSizingDisabled: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return p.certificate(),
				nil
		},
		VerifyConnection: func(cs tls.ConnectionState) error {
			if cs.NegotiatedProtocol != proto {
				return fmt.Errorf("link: %s does not speak %s", addr, proto)
			}
			answers, err := p.id.verify(cs.PeerCertificates, x509.ExtKeyUsageServerAuth)
			if err == nil && answers != node {
				err = fmt.Errorf("%w: at %s is %s, not %s", ErrWrongNode, addr, answers, node)
			}
			return err
		},
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

// dialJoin opens a connection to a member that is known only by the hash of its cluster's authority.
func dialJoin(
	ctx context.Context, dial func(context.Context, string) (net.Conn, error), addr string, t Token,
) (*tls.Conn, error) {
	raw, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, &tls.Config{
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{protoJoin},
		InsecureSkipVerify: true, // the authority is known by its hash only: VerifyConnection does it all
		VerifyConnection: func(cs tls.ConnectionState) error {
			if cs.NegotiatedProtocol != protoJoin {
				return fmt.Errorf("link: %s does not speak %s: is it the cluster port?", addr, protoJoin)
			}
			for _, cert := range cs.PeerCertificates {
				if sha256.Sum256(cert.Raw) == t.Authority {
					// When it is only the cluster knows: whether the token is over is for the member to say.
					issued := cs.PeerCertificates[0].NotBefore.Add(clockSkew)
					pinned := &Identity{
						Cluster: t.Cluster, roots: x509.NewCertPool(), now: func() time.Time { return issued },
					}
					pinned.roots.AddCert(cert)
					_, err := pinned.verify(cs.PeerCertificates, x509.ExtKeyUsageServerAuth)
					return err
				}
			}
			return fmt.Errorf("%w: the node at %s is not of the token's cluster", ErrForeign, addr)
		},
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

// dialTCP is the default dialer.
func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	return (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext(ctx, "tcp", addr)
}

// keepAlive finds a peer that is gone without a word within 20 s.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3}
