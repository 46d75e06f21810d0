package operate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hpfriends/server"
)

// checkPorts sees whether a server could listen, or does.
func checkPorts(ctx context.Context, p *patient) (all []Finding) {
	if p.running {
		return checkListening(ctx, p)
	}
	for _, l := range p.settings.Listeners() {
		if l.Endpoint.Port == 0 {
			continue
		}
		all = append(all, checkPort(ctx, l)...)
	}
	return all
}

func checkPort(ctx context.Context, l server.Listener) []Finding {
	const name = "port"
	port := strconv.Itoa(int(l.Endpoint.Port))
	what := fmt.Sprintf("%s for --%s", net.JoinHostPort(l.Endpoint.Interface, port), l.Setting)
	s, err := l.Endpoint.Listen(ctx)
	switch {
	case err == nil:
		_ = s.Close()
		return one(name, OK, what+" is free", "")
	case errors.Is(err, syscall.EADDRINUSE):
		if held := checkHeld(ctx, l, what); held != nil {
			return held
		}
		return one(name, Fail, what+" is taken by another program",
			fmt.Sprintf("ss -ltnp 'sport = :%s' names it: stop it, or change %s in the settings", port, l.Setting))
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return one(name, Fail, what+" needs a right that this user does not have",
			"AmbientCapabilities=CAP_NET_BIND_SERVICE and CapabilityBoundingSet=CAP_NET_BIND_SERVICE below [Service] of the "+
				"unit (systemctl edit hpfriends), or a port from 1024 on")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return one(name, Fail, what+": the address is none of this machine's",
			fmt.Sprintf("ip -br addr lists them: change %s in the settings", l.Setting))
	}
	return one(name, Fail, fmt.Sprintf("%s: %v", what, err), "change "+l.Setting+" in the settings")
}

// checkListening sees whether a running server can be reached from here.
func checkListening(ctx context.Context, p *patient) []Finding {
	const name = "port"
	addresses := append([]string{}, p.where.Hpfeeds...)
	for _, a := range []string{p.where.HTTP, p.where.Redirect} {
		if a != "" {
			addresses = append(addresses, a)
		}
	}
	d := net.Dialer{Timeout: 5 * time.Second}
	for _, a := range addresses {
		c, err := d.DialContext(ctx, "tcp", a)
		if err != nil {
			return one(name, Fail, fmt.Sprintf("the server says that it listens on %s: %v", a, err),
				"look into its log, and at the rules of this machine's firewall (nft list ruleset)")
		}
		_ = c.Close()
	}
	return one(name, OK, "the server listens on "+strings.Join(addresses, ", "), "")
}

// A certificate that ends within soon should have been renewed.
const soon = 14 * 24 * time.Hour

func checkCertificates(_ context.Context, p *patient) (all []Finding) {
	seen := make(map[string]bool)
	for _, l := range p.settings.Listeners() {
		if l.Endpoint.TLS == nil {
			continue
		}
		cert, key := p.settings.CertFiles(*l.Endpoint.TLS)
		if cert != "" && !seen[cert+"\x00"+key] {
			seen[cert+"\x00"+key] = true
			all = append(all, checkCertificate(cert, key, p.now)...)
		}
	}
	return all
}

func checkCertificate(cert, key string, now time.Time) []Finding {
	const name = "certificate"
	pair, err := tls.LoadX509KeyPair(cert, key)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return one(name, Fail, err.Error(), "let the user of the server read it, but not everybody: chgrp and chmod 0640")
	case errors.Is(err, fs.ErrNotExist):
		return one(name, Fail, err.Error(),
			"put the file there, or change tls-cert and tls-key, or cert= and key= of the endpoint")
	case err != nil:
		return one(name, Fail, fmt.Sprintf("%s and %s: %v", cert, key, err),
			"put the certificate, its chain behind it, and the key that it was made for into these files")
	}
	leaf := pair.Leaf
	found := fmt.Sprintf("%s, for %s, until %s", cert, strings.Join(names(leaf.DNSNames, leaf.Subject.CommonName), ", "),
		leaf.NotAfter.UTC().Format(time.DateTime+" UTC"))
	switch renew := "renew it and put it into " + cert + " and " + key + ": the server takes it by itself"; {
	case now.After(leaf.NotAfter):
		return one(name, Fail, found+": it has expired", renew)
	case now.Before(leaf.NotBefore):
		return one(name, Fail, fmt.Sprintf("%s: it is good from %s on only", found,
			leaf.NotBefore.UTC().Format(time.DateTime+" UTC")), "look at the clock of this machine: date -u")
	case now.Add(soon).After(leaf.NotAfter):
		return one(name, Warn, found, renew)
	}
	return one(name, OK, found, "")
}

func names(all []string, common string) []string {
	if len(all) == 0 {
		return []string{common}
	}
	return all
}

// readable reports why a file that a setting names cannot be read.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}
