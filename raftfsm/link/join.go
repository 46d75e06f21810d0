package link

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// joinTimeout bounds one step of joining: the answer of the cluster, which writes the admission to its log.
const joinTimeout = 30 * time.Second

// maxRedirects bounds the way to the leader.
const maxRedirects = 3

// Joining is what a node needs to join.
type Joining struct {
	Token     Token
	Addr      string // of any member's cluster port
	Node      string // a node id that the cluster has not seen
	Advertise string // host:port that the members dial
	// Store keeps what the cluster gave, durably, before the cluster admits the node: Identity.Save, and the Welcome. If
	// it fails, the node is not admitted.
	Store func(*Identity, Welcome) error
	Dial  func(ctx context.Context, addr string) (net.Conn, error) // nil: TCP
}

// Welcome is what a joined node gets beside its certificate.
type Welcome struct {
	Members map[string]string // id to address: what the node goes by until it has applied that configuration
	Index   uint64            // of it: its position in the log
	Time    time.Time         // of the cluster: what the node goes by if its own clock is behind
	Blob    []byte            // the cluster's data key; at most 64 KiB
}

const maxBlob = 64 << 10

// Join asks the cluster to admit this node. When it returns nil, the node is a non-voter. When it fails after Store was
// called, the node may have been admitted: starting it with what was stored is safe, and so is joining again.
func Join(ctx context.Context, j Joining) error {
	if err := errors.Join(CheckNodeID(j.Node), checkAddr(j.Advertise)); err != nil {
		return err
	}
	if j.Dial == nil {
		j.Dial = dialTCP
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	addr := j.Addr
	for range maxRedirects {
		leader, err := j.ask(ctx, addr, key)
		if errors.Is(err, ErrTokenUnknown) { // if by this clock it is long over, that is why
			err = cmp.Or(j.Token.Check(time.Now(), ""), err)
		}
		if err != nil {
			return fmt.Errorf("link: join node %s at %s: %w", j.Node, addr, err)
		}
		if leader == "" {
			return nil
		}
		addr = leader
	}
	return fmt.Errorf("link: join node %s: %w: the members send from one to the next: it has no leader now, try again",
		j.Node, ErrBusy)
}

// ask joins at one member, or returns the address of the leader.
func (j *Joining) ask(ctx context.Context, addr string, key *ecdsa.PrivateKey) (leader string, err error) {
	hello, cancel := context.WithTimeout(ctx, HandshakeTimeout)
	defer cancel()
	conn, err := dialJoin(hello, j.Dial, addr, j.Token)
	if err != nil {
		return "", err
	}
	defer conn.NetConn().Close()
	defer context.AfterFunc(ctx, func() { conn.NetConn().Close() })()
	_ = conn.SetDeadline(time.Now().Add(joinTimeout))
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return "", err
	}
	req := joinRequest{j.Token.secret[:], j.Node, j.Advertise, csr}
	if err := writeMessage(conn, req.encode()); err != nil {
		return "", err
	}
	if leader, err = readVerdict(conn); err != nil || leader != "" {
		return leader, err
	}
	body, err := readMessage(conn, maxJoinAnswer)
	if err != nil {
		return "", err
	}
	identity, welcome, err := parseWelcome(body, key)
	if err != nil {
		return "", err
	}
	if identity.Node != j.Node || identity.Cluster != j.Token.Cluster ||
		identity.authority.Fingerprint() != j.Token.Authority {
		return "", fmt.Errorf("%w: the certificate is of %s in %s", ErrForeign, identity.Node, identity.Cluster)
	}
	if err := j.Store(identity, welcome); err != nil {
		return "", fmt.Errorf("store what the cluster gave: %w", err)
	}
	if _, err := conn.Write([]byte{stored}); err != nil {
		return "", err
	}
	_ = conn.SetDeadline(time.Now().Add(joinTimeout))
	return readVerdict(conn)
}

// stored is what the joiner answers once it can be admitted.
const stored = 1

// joinRequest is the joiner's message.
type joinRequest struct {
	secret     []byte
	node, addr string
	csr        []byte
}

func (r joinRequest) encode() []byte {
	b := appendField(nil, r.secret)
	b = appendField(appendField(b, r.node), r.addr)
	return appendField(b, r.csr)
}

func parseJoinRequest(f fields) (r joinRequest, err error) {
	var node, addr []byte
	if err = f.take(&r.secret, &node, &addr, &r.csr); err == nil && len(r.secret) != secretSize {
		err = fmt.Errorf("%w: secret of %d bytes", errFields, len(r.secret))
	}
	r.node, r.addr = string(node), string(addr)
	return r, err
}

// A verdict on a join is a byte and a text. Before it, a joiner without a good token learns nothing but a refusal.
type joinVerdict byte

const (
	joinGood joinVerdict = iota
	joinUnknown
	joinBusy
	joinWiped
	joinRefused
	joinElsewhere // the text is the leader's address
	joinExpired
	joinUsed
	joinRemoved
)

var joinErrors = map[joinVerdict]error{
	joinUnknown: ErrTokenUnknown, joinExpired: ErrTokenExpired, joinUsed: ErrTokenUsed, joinRemoved: ErrTokenRemoved,
	joinBusy: ErrBusy, joinWiped: ErrWiped, joinRefused: ErrJoinRefused,
}

func readVerdict(r io.Reader) (leader string, err error) {
	f, err := readMessage(r, 2*maxVerdictText)
	if err != nil {
		return "", fmt.Errorf("the member did not answer: %w", err)
	}
	var v, text []byte
	if err := f.take(&v, &text); err != nil || len(v) != 1 {
		return "", errors.Join(errFields, err)
	}
	switch sentinel, known := joinErrors[joinVerdict(v[0])]; {
	case joinVerdict(v[0]) == joinGood:
		return "", nil
	case joinVerdict(v[0]) == joinElsewhere:
		return string(text), checkAddr(string(text))
	case known && len(text) > 0:
		return "", fmt.Errorf("%w (the member says: %q)", sentinel, text)
	case known:
		return "", sentinel
	}
	return "", fmt.Errorf("%w: verdict %d", errFields, v[0])
}

func writeVerdict(w io.Writer, v joinVerdict, text string) error {
	return writeMessage(w, appendField(appendField(nil, []byte{byte(v)}), text[:min(len(text), maxVerdictText)]))
}

// encodeWelcome is what the joiner gets: its certificate, the authority with its key, the members, the blob, the
// index, the time.
func encodeWelcome(a *Authority, leaf *x509.Certificate, w Welcome) ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, err
	}
	var members []byte
	for id, addr := range w.Members {
		members = appendField(appendField(members, id), addr)
	}
	b := appendField(nil, leaf.Raw)
	b = appendField(appendField(b, a.cert.Raw), key)
	b = appendField(appendField(b, members), w.Blob)
	b = appendField(b, binary.BigEndian.AppendUint64(nil, w.Index))
	b = appendField(b, binary.BigEndian.AppendUint64(nil, uint64(w.Time.UnixMilli())))
	if len(b) > maxJoinAnswer || len(w.Blob) > maxBlob {
		return nil, fmt.Errorf("link: the answer to a joiner has %d bytes, at most %d", len(b), maxJoinAnswer)
	}
	return b, nil
}

func parseWelcome(f fields, key *ecdsa.PrivateKey) (*Identity, Welcome, error) {
	w := Welcome{Members: map[string]string{}}
	var leaf, authority, authorityKey, members, index, at []byte
	if err := f.take(&leaf, &authority, &authorityKey, &members, &w.Blob, &index, &at); err != nil {
		return nil, w, err
	}
	if len(index) != 8 || len(at) != 8 {
		return nil, w, errFields
	}
	w.Index, w.Time = binary.BigEndian.Uint64(index), time.UnixMilli(int64(binary.BigEndian.Uint64(at))).UTC()
	for rest := fields(members); len(rest) > 0; {
		id, err := rest.next()
		if err != nil {
			return nil, w, err
		}
		addr, err := rest.next()
		if err != nil {
			return nil, w, err
		}
		w.Members[string(id)] = string(addr)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, w, err
	}
	identity, err := assemble(leaf, keyDER, authority, authorityKey)
	return identity, w, err
}
