package certs

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hpfriends/internal/readfile"
)

// Files name a certificate, with its chain behind it, and its key, both in PEM form.
type Files struct{ Cert, Key string }

// Pair is what is in Files.
type Pair struct {
	Files
	current atomic.Pointer[tls.Certificate]

	mu       sync.Mutex // guards what follows
	read     content    // the newest that was read, good or bad
	problem  error      // of it
	reported bool       // the problem is in the log
}

// content of two files.
type content struct{ cert, key []byte }

func (c content) equal(o content) bool {
	return bytes.Equal(c.cert, o.cert) && bytes.Equal(c.key, o.key)
}

// load reads a pair for the first time: it must be there, and fit together. One that has expired is taken, since there
// is no other.
func load(f Files) (*Pair, error) {
	p := &Pair{Files: f}
	c, err := f.content()
	if err != nil {
		return nil, err
	}
	pair, err := parse(f, c)
	if err != nil {
		return nil, err
	}
	p.read = c
	p.current.Store(pair)
	return p, nil
}

// maxFile is how large a file may be. A chain has some KiB, and each handshake sends it.
const maxFile = 1 << 20

func (f Files) content() (c content, err error) {
	if c.cert, err = readfile.Regular(f.Cert, maxFile); err != nil {
		return c, err
	}
	c.key, err = readfile.Regular(f.Key, maxFile)
	return c, err
}

func parse(f Files, c content) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", f.Cert, f.Key, err)
	}
	return &pair, nil
}

// Certificate is what handshakes take.
func (p *Pair) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return p.current.Load(), nil
}

// What has happened to a pair.
type outcome int

const (
	same     outcome = iota
	renewed          // the new one is in use
	unusable         // the new one is not, and that was not said before
)

// refresh reads the files again. A certificate and its key are not replaced at one moment, so what does not fit is
// unusable only when the check before has met a problem, too; sure skips that.
func (p *Pair) refresh(now time.Time, sure bool) (outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.content()
	changed := err == nil && !p.read.equal(c)
	if err == nil && !changed && p.problem == nil {
		return same, nil
	}
	before := p.problem != nil
	var pair *tls.Certificate
	if err == nil {
		p.read = c
		pair, err = p.acceptable(c, now)
	}
	p.problem = err
	if err == nil {
		p.reported = false
		p.current.Store(pair)
		return renewed, nil
	}
	if p.reported && !changed && !sure || !before && !sure {
		return same, err
	}
	p.reported = true
	return unusable, err
}

// acceptable parses a pair that is to replace the current one.
func (p *Pair) acceptable(c content, now time.Time) (*tls.Certificate, error) {
	pair, err := parse(p.Files, c)
	if err != nil {
		return nil, err
	}
	if leaf := pair.Leaf; now.After(leaf.NotAfter) && now.Before(p.current.Load().Leaf.NotAfter) {
		return nil, fmt.Errorf("%s: %w on %s", p.Cert, errOver, leaf.NotAfter.UTC().Format(time.DateTime+" UTC"))
	}
	return pair, nil
}

var errOver = errors.New("the certificate has expired")

// Problem is why the files are not what is in use; nil if they are.
func (p *Pair) Problem() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reported {
		return nil
	}
	return p.problem
}
