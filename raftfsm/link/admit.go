package link

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"hpfriends/internal/crowd"
)

// Admission decides who may join. Its methods may be called at the same time.
type Admission interface {
	// Token refuses a token by its hash (Token.Hash) with one of the errors ErrToken..., for a node that wants to join
	// with it.
	Token(hash [sha256.Size]byte, node string) error
	// Welcome decides, before the joiner gets anything, and says what it gets. From then on the token is used. A member
	// that does not lead returns an Elsewhere.
	Welcome(ctx context.Context, j Joiner) (Welcome, error)
	// Admit adds the node to the configuration as a non-voter. By then it has stored what it got.
	Admit(ctx context.Context, j Joiner) error
}

// Joiner is who asks to join, with a good token.
type Joiner struct {
	Node, Addr string
	Remote     net.Addr
	Token      [sha256.Size]byte // the hash, for the audit
}

// Elsewhere is the error of an Admission that does not lead: the address of the leader's cluster port.
type Elsewhere string

func (e Elsewhere) Error() string { return "link: join at " + string(e) }

// Bounds on strangers.
const (
	// maxPending bounds the connections that are not yet known to be anyone's. An honest handshake takes milliseconds, so
	// under a flood of slow ones closing the oldest of the most crowded address costs the flood, not the honest.
	maxPending    = 256
	maxJoins      = 8 // at once
	joinsPerHost  = 1 // a second
	joinBurst     = 10
	maxJoinHosts  = 1024
	joinFirstWait = 10 * time.Second // for the request and the answer "stored"
)

// admitter bounds joining.
type admitter struct {
	mu    sync.Mutex
	now   int
	nodes map[string]bool // being admitted
	hosts map[netip.Prefix]*rate.Limiter
}

// try reports whether one more token from host is looked at.
func (a *admitter) try(host netip.Prefix) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hosts == nil || len(a.hosts) >= maxJoinHosts {
		a.hosts = make(map[netip.Prefix]*rate.Limiter) // forgets everybody's past: bounded memory is worth more
	}
	if a.hosts[host] == nil {
		a.hosts[host] = rate.NewLimiter(joinsPerHost, joinBurst)
	}
	return a.hosts[host].Allow()
}

// enter reports whether one more with a good token may join now.
func (a *admitter) enter() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now >= maxJoins {
		return false
	}
	a.now++
	return true
}

func (a *admitter) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now--
}

// reserve makes node the one of its id that is being admitted.
func (a *admitter) reserve(node string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.nodes == nil {
		a.nodes = make(map[string]bool)
	}
	if a.nodes[node] {
		return false
	}
	a.nodes[node] = true
	return true
}

func (a *admitter) free(node string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.nodes, node)
}

// joinRefusal is a refusal with what the joiner is told.
type joinRefusal struct {
	verdict joinVerdict
	text    string
}

// refusal is what a joiner is told of an error of Admission. Who has a token may know what became of it.
func refusal(err error) *joinRefusal {
	for verdict, sentinel := range joinErrors {
		if errors.Is(err, sentinel) {
			detail := strings.TrimPrefix(strings.TrimPrefix(err.Error(), sentinel.Error()), ": ")
			return &joinRefusal{verdict, detail}
		}
	}
	return &joinRefusal{joinRefused, err.Error()}
}

func (r *joinRefusal) Error() string { return fmt.Sprintf("verdict %d: %s", r.verdict, r.text) }

// serveJoin serves one joiner. The connection still counts as pending, so a flood of joiners that send nothing closes
// its own; and only a good token takes one of the places of those who join.
func (p *Port) serveJoin(conn *tls.Conn) {
	_ = conn.SetDeadline(time.Now().Add(joinFirstWait))
	j, err := p.admit(conn)
	if refusal, ok := errors.AsType[*joinRefusal](err); ok {
		_ = conn.SetDeadline(time.Now().Add(HandshakeTimeout))
		_ = writeVerdict(conn, refusal.verdict, refusal.text)
	}
	if err != nil {
		p.log.Warn("a node was not admitted", "node", j.Node, "remote", conn.RemoteAddr(), "err", err)
		return
	}
	_ = conn.SetDeadline(time.Now().Add(HandshakeTimeout))
	_ = writeVerdict(conn, joinGood, "")
	p.log.Info("a node was admitted", "node", j.Node, "addr", j.Addr)
}

// admit goes through the handshake. What is known of the joiner is returned with the error, for the log.
func (p *Port) admit(conn *tls.Conn) (j Joiner, err error) {
	body, err := readMessage(conn, maxJoinRequest)
	if err != nil {
		return j, err
	}
	req, err := parseJoinRequest(body)
	if err != nil {
		return j, err
	}
	if p.config.Admission == nil || !p.admits.try(crowd.Address(crowd.Remote(conn))) {
		return j, &joinRefusal{joinBusy, ""}
	}
	hash := hashSecret(req.secret)
	if err := p.config.Admission.Token(hash, req.node); err != nil {
		return j, refusal(err)
	}
	if !p.admits.enter() {
		return j, &joinRefusal{joinBusy, ""}
	}
	defer p.admits.leave()
	if err := errors.Join(CheckNodeID(req.node), checkAddr(req.addr)); err != nil {
		return j, &joinRefusal{joinRefused, err.Error()}
	}
	j = Joiner{Node: req.node, Addr: req.addr, Remote: conn.RemoteAddr(), Token: hash}
	pub, err := parseCSR(req.csr)
	if err != nil {
		return j, &joinRefusal{joinRefused, err.Error()}
	}
	if !p.admits.reserve(j.Node) {
		return j, &joinRefusal{joinBusy, "a node with this id is joining"}
	}
	defer p.admits.free(j.Node)
	if _, ok := p.config.Members.Member(j.Node); ok {
		return j, &joinRefusal{joinWiped, ""}
	}
	if err := p.hand(conn, j, pub); err != nil {
		return j, err
	}
	ctx, cancel := context.WithTimeout(p.life.ctx, joinTimeout)
	defer cancel()
	if err := p.config.Admission.Admit(ctx, j); err != nil {
		return j, &joinRefusal{joinRefused, err.Error()}
	}
	return j, nil
}

// hand gives the joiner its certificate and the rest, and waits until it has stored them.
func (p *Port) hand(conn *tls.Conn, j Joiner, pub *ecdsa.PublicKey) error {
	ctx, cancel := context.WithTimeout(p.life.ctx, joinFirstWait)
	defer cancel()
	welcome, err := p.config.Admission.Welcome(ctx, j)
	if leader, ok := errors.AsType[Elsewhere](err); ok {
		return &joinRefusal{joinElsewhere, string(leader)}
	}
	if err != nil {
		return refusal(err)
	}
	leaf, err := p.id.authority.issue(j.Node, pub, p.id.now(), CertificateLife)
	if err != nil {
		return &joinRefusal{joinRefused, err.Error()}
	}
	welcome.Time = p.id.now()
	answer, err := encodeWelcome(p.id.authority, leaf, welcome)
	if err != nil {
		return &joinRefusal{joinRefused, err.Error()}
	}
	_ = conn.SetDeadline(time.Now().Add(joinTimeout))
	if err := errors.Join(writeVerdict(conn, joinGood, ""), writeMessage(conn, answer)); err != nil {
		return err
	}
	var done [1]byte
	if _, err := conn.Read(done[:]); err != nil {
		return fmt.Errorf("link: the joiner did not store what it got: %w", err)
	}
	if done[0] != stored {
		return errFields
	}
	return nil
}

// parseCSR takes the key that the joiner proves to hold; everything else in the request is ignored.
func parseCSR(der []byte) (*ecdsa.PublicKey, error) {
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("link: certificate request: %w", err)
	}
	pub, ok := csr.PublicKey.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, errors.New("link: certificate request: want an ECDSA key on P-256")
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("link: certificate request: %w", err)
	}
	return pub, nil
}
