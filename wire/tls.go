package wire

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// tlsConfig is nil for an endpoint without TLS. The files must be there and fit together.
func (e Endpoint) tlsConfig(l *slog.Logger) (*tls.Config, error) {
	if e.TLS == nil {
		return nil, nil
	}
	c := &certificate{certFile: e.TLS.Cert, keyFile: e.TLS.Key, logger: l}
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", e, err)
	}
	return &tls.Config{MinVersion: e.TLS.MinVersion, GetCertificate: c.current}, nil
}

// certificate is read again when its files have changed, so that a renewed one needs no restart.
type certificate struct {
	certFile, keyFile string
	logger            *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	stamp   [2]time.Time // of the files, when they were read
	checked time.Time
}

// checkEvery bounds how often handshakes look at the files.
const checkEvery = time.Second

func (c *certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) >= checkEvery {
		if err := c.load(); err != nil {
			c.logger.Error("the new TLS certificate cannot be used, the old one stays", "cert", c.certFile, "err", err)
		}
	}
	return c.pair, nil
}

// load reads the files if they are not those that were read last. On an error the certificate stays as it is.
func (c *certificate) load() error {
	c.checked = time.Now()
	var stamp [2]time.Time
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		stamp[i] = info.ModTime()
	}
	if c.pair != nil && stamp == c.stamp {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.pair, c.stamp = &pair, stamp
	return nil
}
