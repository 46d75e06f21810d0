package wire

import (
	"cmp"
	"crypto/tls"
	"fmt"
)

// tlsConfig is nil for an endpoint without TLS. The files must be there and fit together.
func (c Config) tlsConfig(e Endpoint) (*tls.Config, error) {
	if e.TLS == nil {
		return nil, nil
	}
	if c.TLS == nil {
		c.TLS = fromFiles
	}
	tc, err := c.TLS(*e.TLS)
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", e, err)
	}
	return tc, nil
}

// fromFiles reads an endpoint's own files, once.
func fromFiles(e EndpointTLS) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(e.Files())
	return &tls.Config{MinVersion: e.MinVersion, Certificates: []tls.Certificate{pair}}, err
}

// Files are the endpoint's own, by default those that the Python broker takes.
func (e EndpointTLS) Files() (cert, key string) {
	return cmp.Or(e.Cert, "cert.pem"), cmp.Or(e.Key, "key.pem")
}

// Own reports whether an endpoint names a certificate; the others take the server's.
func (e EndpointTLS) Own() bool { return e.Cert != "" || e.Key != "" }

// Old reports whether clients are taken whose TLS is one that is given up (RFC 8996).
func (e EndpointTLS) Old() bool { return e.MinVersion < tls.VersionTLS12 }
