package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
)

// client asks the API of one server.
type client struct {
	http        *http.Client
	base        string
	token, as   string
	user        string // with password instead of a token
	password    string
	unreachable string // what to say when nobody answers
}

func newClient(c *cli.Context) (*client, error) {
	if server := c.String("server"); server != "" {
		if user := c.String("user"); user != "" { // token add: the first token is made with a password
			password, err := readSecret(c.String("password-file"))
			if err == nil && password == "" {
				err = usage("--user needs --password-file")
			}
			return &client{http: &http.Client{Timeout: time.Minute}, base: strings.TrimSuffix(server, "/"), user: user, password: password, unreachable: "no server answers at " + server}, err
		}
		token, err := readSecret(c.String("token-file"))
		if err != nil {
			return nil, err
		}
		if token == "" {
			return nil, usage("--server needs --token-file")
		}
		if c.String("as") != "" {
			return nil, usage("--as is for the local socket: a token acts as its owner")
		}
		return &client{http: &http.Client{Timeout: time.Minute}, base: strings.TrimSuffix(server, "/"), token: token, unreachable: "no server answers at " + server}, nil
	}
	dir := c.String("data-dir")
	return &client{
		http: socketClient(filepath.Join(dir, socketName)), base: "http://hpfriends", as: c.String("as"),
		unreachable: fmt.Sprintf("no server is running on %s: start it with `hpfriends serve --data-dir %s`", dir, dir),
	}, nil
}

const apiBase = "/api/v1"

// call sends a request under /api/v1; in and out may be nil.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	_, err := c.do(ctx, method, apiBase+path, in, out)
	return err
}

// pages reads a list to its end.
func pages[T any](ctx context.Context, c *client, path string) ([]T, error) {
	all := []T{}
	for path = apiBase + path; path != ""; {
		var part []T
		next, err := c.do(ctx, http.MethodGet, path, nil, &part)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
		path = next
	}
	return all, nil
}

// do sends a request and returns the path of the list's next page, if there is one.
func (c *client) do(ctx context.Context, method, path string, in, out any) (next string, err error) {
	res, err := c.send(ctx, c.http, method, path, in)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if link, ok := strings.CutSuffix(res.Header.Get("Link"), `>; rel="next"`); ok && strings.HasPrefix(link, "<"+apiBase) {
		next = link[1:]
	}
	if out == nil {
		return next, nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return "", c.failed(ctx, err)
	}
	return next, nil
}

// send sends a request and returns the answer, unless it is a refusal.
func (c *client) send(ctx context.Context, over *http.Client, method, path string, in any) (*http.Response, error) {
	var payload io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, payload)
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.user != "" {
		req.SetBasicAuth(c.user, c.password)
	}
	if c.as != "" {
		req.Header.Set("X-Hpfriends-As", c.as)
	}
	res, err := over.Do(req)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	if res.StatusCode/100 != 2 {
		defer res.Body.Close()
		return nil, refused(res)
	}
	return res, nil
}

func (c *client) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, fs.ErrPermission) {
		return fail(exitDenied, "this data directory belongs to somebody else: only its owner may use its socket")
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return fail(exitUnavailable, c.unreachable)
	}
	return fail(exitUnavailable, err.Error())
}

// refused turns an error answer into a failure with its exit code.
func refused(res *http.Response) error {
	var p struct{ Detail, Hint string }
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err := json.Unmarshal(body, &p); err != nil || p.Detail == "" {
		p.Detail = res.Status
	}
	if p.Hint == "say on whose behalf" {
		p.Hint += ": --as USER"
	}
	code := exitFailed
	switch res.StatusCode {
	case http.StatusNotFound:
		code = exitNotFound
	case http.StatusForbidden, http.StatusUnauthorized:
		code = exitDenied
	case http.StatusConflict:
		code = exitConflict
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		code = exitUnavailable
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		code = exitUsage
	}
	return &refusal{code: code, text: p.Detail, hint: p.Hint}
}
