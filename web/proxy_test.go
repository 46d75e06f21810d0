package web

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"hpfriends/internal/proxyheader"
)

// The pages take a PROXY header as the hpfeeds ports do, with and without TLS, and a bad one ends one connection.
func TestHTTPBehindAProxyHasTheClientsAddress(t *testing.T) {
	borrowed := httptest.NewTLSServer(nil)
	borrowed.Close()
	for what, tc := range map[string]*tls.Config{"plain": nil, "TLS": borrowed.TLS} {
		w := newWorld(t)
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() {
			served <- w.server.ServeTLS(proxyheader.Listen(inner, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}), tc)
		}()
		ask := func(header string) string {
			c, err := net.Dial("tcp", inner.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			_, _ = io.WriteString(c, header)
			if tc != nil {
				c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			}
			_, _ = io.WriteString(c, "GET /ip HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				return "nothing"
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			return string(body)
		}
		for header, want := range map[string]string{
			"PROXY TCP4 192.0.2.7 127.0.0.1 4711 443\r\n":     "192.0.2.7",
			"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n": "2001:db8::7",
			"PROXY UNKNOWN\r\n":                               "127.0.0.1",
			"":                                                "nothing",
			"PROXY TCP4 192.0.2.7\r\n":                        "nothing",
		} {
			if got := ask(header); got != want {
				t.Errorf("%s, %q: /ip says %s, want %s", what, header, got, want)
			}
		}
		if err := w.server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}
