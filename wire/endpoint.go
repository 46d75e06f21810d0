package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"hpfriends/internal/proxyheader"
)

// DefaultPort is the port of an endpoint that names none.
const DefaultPort = 10000

// Endpoint is where a Server listens.
type Endpoint struct {
	Interface string // address to bind to; empty: all, IPv4 and IPv6
	Port      uint16 // 0 asks the system for one
	Device    string // network device to bind to; Linux only
	Nonce     int    // bytes of a challenge, 4 to 20. Some clients take exactly 4
	TLS       *EndpointTLS
	// Proxies are the networks of proxies, which begin their connections with a PROXY header, version 1 or 2; empty: none.
	// Who comes from elsewhere speaks for themselves.
	Proxies []netip.Prefix
}

// EndpointTLS says how an endpoint speaks TLS.
type EndpointTLS struct {
	Cert, Key  string // PEM files; both empty: the server's
	MinVersion uint16 // tls.VersionTLS12 unless an old client needs less
}

const (
	minNonce     = 4
	defaultNonce = minNonce
	maxEndNonce  = 20 // INFO must not exceed the 281 bytes that clients take, with a name of 255
)

var (
	tcpKeys = []string{"port", "interface", "device", "nonce", "proxy"}
	tlsKeys = append(slices.Clone(tcpKeys), "cert", "key", "min_version")

	tlsVersions = map[string]uint16{
		"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
	}
)

// ParseEndpoint reads an endpoint in Twisted's style: "tcp:port=10000:interface=127.0.0.1:nonce=20:device=eth0", or
// "tls:" with cert, key and min_version besides. The port may stand alone: "tcp:10000". A colon within a value is
// written "\:", but for those of an IPv6 address, which may have brackets: "tcp:port=10000:interface=::1". The networks
// of proxies have commas between them: "tcp:port=10000:proxy=10.0.0.0/8,2001:db8::1".
func ParseEndpoint(s string) (Endpoint, error) {
	e, err := parseEndpoint(s)
	if err != nil {
		return Endpoint{}, fmt.Errorf("endpoint %q: %w", s, err)
	}
	return e, nil
}

func parseEndpoint(s string) (Endpoint, error) {
	fields := joinAddress(splitEscaped(s))
	e := Endpoint{Port: DefaultPort, Nonce: defaultNonce}
	allowed := tcpKeys
	switch fields[0] {
	case "tcp":
	case "tls", "ssl":
		e.TLS = &EndpointTLS{MinVersion: tls.VersionTLS12}
		allowed = tlsKeys
	default:
		return e, fmt.Errorf("kind %q: want tcp or tls", fields[0])
	}
	seen := make(map[string]bool)
	for i, f := range fields[1:] {
		key, value, ok := strings.Cut(f, "=")
		if !ok && i == 0 {
			key, value = "port", f
		}
		if !slices.Contains(allowed, key) {
			return e, fmt.Errorf("key %q: allowed are %s", key, strings.Join(allowed, ", "))
		}
		if seen[key] {
			return e, fmt.Errorf("key %q is there twice", key)
		}
		seen[key] = true
		if err := e.set(key, value); err != nil {
			return e, fmt.Errorf("%s %q: %w", key, value, err)
		}
	}
	return e, nil
}

var errInterface = errors.New("want an address, like 127.0.0.1, ::1 or [::1]; the port is port=N")

// joinAddress puts an address together that was cut at its colons. No part of one has an equals sign, as every other
// field has.
func joinAddress(fields []string) []string {
	var joined []string
	address := false
	for _, f := range fields {
		if address && !strings.Contains(f, "=") {
			joined[len(joined)-1] += ":" + f
			continue
		}
		address = strings.HasPrefix(f, "interface=") || strings.HasPrefix(f, "proxy=")
		joined = append(joined, f)
	}
	return joined
}

func (e *Endpoint) set(key, value string) error {
	if value == "" && key != "interface" {
		return errors.New("is empty")
	}
	switch key {
	case "port":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return errors.New("want 0 to 65535")
		}
		e.Port = uint16(n)
	case "interface":
		e.Interface = value
		if inner, ok := strings.CutPrefix(value, "["); ok {
			e.Interface, ok = strings.CutSuffix(inner, "]")
			if !ok {
				return errInterface
			}
		}
		if _, err := netip.ParseAddr(e.Interface); err != nil && strings.Contains(e.Interface, ":") {
			return errInterface
		}
	case "device":
		e.Device = value
	case "nonce":
		n, err := strconv.Atoi(value)
		if err != nil || n < minNonce || n > maxEndNonce {
			return fmt.Errorf("want %d to %d bytes", minNonce, maxEndNonce)
		}
		e.Nonce = n
	case "cert":
		e.TLS.Cert = value
	case "key":
		e.TLS.Key = value
	case "min_version":
		v, ok := tlsVersions[value]
		if !ok {
			return errors.New("want 1.0, 1.1, 1.2 or 1.3")
		}
		e.TLS.MinVersion = v
	case "proxy":
		return e.setProxies(value)
	}
	return nil
}

// setProxies reads networks and addresses, with commas between them.
func (e *Endpoint) setProxies(value string) error {
	for text := range strings.SplitSeq(value, ",") {
		text = strings.Trim(text, "[]")
		n, err := netip.ParsePrefix(text)
		if a, e := netip.ParseAddr(text); e == nil {
			n, err = a.WithZone("").Prefix(a.BitLen())
		}
		if err != nil || n.Addr().Is4In6() {
			return errors.New("want the addresses or networks of the proxies, like 127.0.0.1,10.0.0.0/8: who else sends a " +
				"header could give any address for theirs")
		}
		e.Proxies = append(e.Proxies, n.Masked())
	}
	return nil
}

// splitEscaped splits at colons, where a backslash takes the next byte as it is.
func splitEscaped(s string) []string {
	var fields []string
	var field []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			field = append(field, s[i])
		case s[i] == ':':
			fields = append(fields, string(field))
			field = field[:0]
		default:
			field = append(field, s[i])
		}
	}
	return append(fields, string(field))
}

// String is what ParseEndpoint reads, with every default left out.
func (e Endpoint) String() string {
	var b strings.Builder
	add := func(key, value, unless string) {
		if value != unless {
			b.WriteString(":" + key + "=" + escaper.Replace(value))
		}
	}
	kind, proxies := "tcp", make([]string, len(e.Proxies))
	for i, p := range e.Proxies {
		proxies[i] = p.String()
	}
	add("port", strconv.Itoa(int(e.Port)), "")
	add("interface", e.Interface, "")
	add("device", e.Device, "")
	add("nonce", strconv.Itoa(e.Nonce), strconv.Itoa(defaultNonce))
	add("proxy", strings.Join(proxies, ","), "")
	if e.TLS != nil {
		kind = "tls"
		add("cert", e.TLS.Cert, "")
		add("key", e.TLS.Key, "")
		for name, v := range tlsVersions {
			if v == e.TLS.MinVersion && v != tls.VersionTLS12 {
				add("min_version", name, "")
			}
		}
	}
	return kind + b.String()
}

var escaper = strings.NewReplacer(`\`, `\\`, ":", `\:`)

// Listen opens the endpoint's socket. An endpoint without interface takes IPv4 and IPv6. Behind proxies, an error of
// type *proxyheader.Error is about one connection.
func (e Endpoint) Listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	if e.Device != "" {
		lc.Control = func(_, _ string, c syscall.RawConn) error { return bindToDevice(c, e.Device) }
	}
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(e.Interface, strconv.Itoa(int(e.Port))))
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", e, err)
	}
	return e.Over(l), nil
}

// Over returns the endpoint's listener over a socket that is open at its address.
func (e Endpoint) Over(l net.Listener) net.Listener {
	if len(e.Proxies) > 0 {
		return proxyheader.Listen(l, e.Proxies)
	}
	return l
}
