package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"hpfriends/internal/datadir"
	"hpfriends/internal/secret"
)

// AsHeader names the user whom a request on the local socket acts as.
const AsHeader = "X-Hpfriends-As"

// ForHeader names the user for whom the operator does something on the local socket: it becomes that user's, and the
// operator's rights and limits count.
const ForHeader = "X-Hpfriends-For"

// TokenEndsHeader has when the API token ends with which was asked, if that is soon.
const TokenEndsHeader = "X-Hpfriends-Token-Ends"

// Client asks the API of one server. Local and Remote make one.
type Client struct {
	http *http.Client
	base string
	auth func(*http.Request) // nil: nothing to add
	// Warn is told what the server says of the token with which was asked, with every answer; nil: nobody is.
	Warn func(ends time.Time)
}

// patient is the timeout of answers that may take any time. Other answers come within a minute.
const (
	patient = time.Duration(0)
	prompt  = time.Minute
)

// Local returns a client on the local socket in a data directory, which acts as the operator: so may who can open it.
func Local(dir string) *Client {
	var d net.Dialer
	path := filepath.Join(dir, datadir.Socket)
	return &Client{
		base: "http://hpfriends",
		http: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) },
		}},
	}
}

// Remote returns a client of the server at a URL, which sends no credentials.
func Remote(server string) *Client {
	return &Client{http: &http.Client{}, base: strings.TrimSuffix(server, "/")}
}

// WithTLS returns a client that speaks TLS so.
func (c *Client) WithTLS(tc *tls.Config) *Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig, t.ForceAttemptHTTP2 = tc, true
	return &Client{http: &http.Client{Transport: t}, base: c.base, auth: c.auth}
}

// As returns a client on the same socket that acts as a user. An empty handle is the operator.
func (c *Client) As(handle string) *Client {
	if handle == "" {
		return c.with(nil)
	}
	return c.with(func(r *http.Request) { r.Header.Set(AsHeader, handle) })
}

// For returns a client on the same socket by which the operator does something for a user.
func (c *Client) For(handle string) *Client {
	return c.with(func(r *http.Request) { r.Header.Set(ForHeader, handle) })
}

// WithToken returns a client that acts as the owner of an API token.
func (c *Client) WithToken(token secret.Secret) *Client {
	return c.with(func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token.Reveal()) })
}

// WithPassword returns a client that logs in as a user, as which only AddToken can be called.
func (c *Client) WithPassword(handle string, password secret.Secret) *Client {
	return c.with(func(r *http.Request) { r.SetBasicAuth(handle, password.Reveal()) })
}

func (c *Client) with(auth func(*http.Request)) *Client {
	return &Client{http: c.http, base: c.base, auth: auth}
}

// Metrics returns the page of the server's metrics.
func (c *Client) Metrics(ctx context.Context) ([]byte, error) {
	return c.Do(ctx, http.MethodGet, "/metrics", nil)
}

// Do sends a request that is none of the operations of this package, and returns the body of the answer. address is a
// path of the server, with its query; in becomes the JSON that is sent, nothing if it is nil.
func (c *Client) Do(ctx context.Context, method, address string, in any) ([]byte, error) {
	res, err := c.send(ctx, &request{method: method, address: address, body: in}, prompt)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return body, failed(ctx, err)
}

// answer sends a request, and decodes the answer into out unless that is a *None. It returns the answer's headers.
func (c *Client) answer(ctx context.Context, req *request, out any, timeout time.Duration) (http.Header, error) {
	res, err := c.send(ctx, req, timeout)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if _, none := out.(*None); none {
		return res.Header, nil
	}
	return res.Header, failed(ctx, json.NewDecoder(res.Body).Decode(out))
}

// page asks for a page of a list, and returns the request of the next one, or nil.
func (c *Client) page(ctx context.Context, req *request, out any) (*request, error) {
	header, err := c.answer(ctx, req, out, prompt)
	if err != nil {
		return nil, err
	}
	link, next := strings.CutSuffix(header.Get("Link"), `>; rel="next"`)
	if !next || !strings.HasPrefix(link, "<"+Base) { // never to another server
		return nil, nil
	}
	return &request{method: req.method, address: link[1:]}, nil
}

// send sends a request and returns the answer, unless it is a refusal.
func (c *Client) send(ctx context.Context, r *request, timeout time.Duration) (*http.Response, error) {
	var payload io.Reader
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.address, payload)
	if err != nil {
		return nil, err
	}
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.auth != nil {
		c.auth(req)
	}
	over := *c.http
	over.Timeout = timeout
	res, err := over.Do(req)
	if err != nil {
		return nil, failed(ctx, err)
	}
	if ends, err := time.Parse(time.RFC3339, res.Header.Get(TokenEndsHeader)); err == nil && c.Warn != nil {
		c.Warn(ends)
	}
	if res.StatusCode/100 != 2 {
		defer res.Body.Close()
		return nil, readProblem(res)
	}
	return res, nil
}

// ConnectionError says that the server could not be reached, or that its answer broke off. Whether a change was made is
// then unknown.
type ConnectionError struct{ Err error }

// Error implements error.
func (e *ConnectionError) Error() string { return e.Err.Error() }

// Unwrap implements errors.
func (e *ConnectionError) Unwrap() error { return e.Err }

// failed prefers the caller's own reason to break off to what came of it.
func failed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &ConnectionError{err}
}
