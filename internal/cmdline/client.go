package cmdline

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

	"hpfriends/internal/datadir"

	"github.com/urfave/cli/v2"
)

// Client asks the API of one server.
type Client struct {
	HTTP        *http.Client
	Base        string
	token, as   string
	user        string // with password instead of a token
	password    string
	unreachable string // what to say when nobody answers
}

func NewClient(c *cli.Context) (*Client, error) {
	if server := c.String("server"); server != "" {
		if user := c.String("user"); user != "" { // token add: the first token is made with a password
			password, err := ReadSecret(c.String("password-file"))
			if err == nil && password == "" {
				err = Usage("--user needs --password-file")
			}
			return &Client{HTTP: &http.Client{Timeout: time.Minute}, Base: strings.TrimSuffix(server, "/"), user: user, password: password, unreachable: "no server answers at " + server}, err
		}
		token, err := ReadSecret(c.String("token-file"))
		if err != nil {
			return nil, err
		}
		if token == "" {
			return nil, Usage("--server needs --token-file")
		}
		if c.String("as") != "" {
			return nil, Usage("--as is for the local socket: a token acts as its owner")
		}
		return &Client{HTTP: &http.Client{Timeout: time.Minute}, Base: strings.TrimSuffix(server, "/"), token: token, unreachable: "no server answers at " + server}, nil
	}
	dir := c.String("data-dir")
	return &Client{
		HTTP: datadir.SocketClient(filepath.Join(dir, datadir.Socket)), Base: "http://hpfriends", as: c.String("as"),
		unreachable: fmt.Sprintf("no server is running on %s: start it with `hpfriends serve --data-dir %s`", dir, dir),
	}, nil
}

const APIBase = "/api/v1"

// Call sends a request under /api/v1; in and out may be nil.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	_, err := c.Do(ctx, method, APIBase+path, in, out)
	return err
}

// Pages reads a list to its end.
func Pages[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	all := []T{}
	for path = APIBase + path; path != ""; {
		var part []T
		next, err := c.Do(ctx, http.MethodGet, path, nil, &part)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
		path = next
	}
	return all, nil
}

// Do sends a request and returns the path of the list's next page, if there is one.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) (next string, err error) {
	res, err := c.Send(ctx, c.HTTP, method, path, in)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if link, ok := strings.CutSuffix(res.Header.Get("Link"), `>; rel="next"`); ok && strings.HasPrefix(link, "<"+APIBase) {
		next = link[1:]
	}
	if out == nil {
		return next, nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return "", c.Failed(ctx, err)
	}
	return next, nil
}

// Send sends a request and returns the answer, unless it is a refusal.
func (c *Client) Send(ctx context.Context, over *http.Client, method, path string, in any) (*http.Response, error) {
	var payload io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, payload)
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
		return nil, c.Failed(ctx, err)
	}
	if res.StatusCode/100 != 2 {
		defer res.Body.Close()
		return nil, refused(res)
	}
	return res, nil
}

func (c *Client) Failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, fs.ErrPermission) {
		return Fail(ExitDenied, "this data directory belongs to somebody else: only its owner may use its socket")
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return Fail(ExitUnavailable, c.unreachable)
	}
	return Fail(ExitUnavailable, err.Error())
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
	code := ExitFailed
	switch res.StatusCode {
	case http.StatusNotFound:
		code = ExitNotFound
	case http.StatusForbidden, http.StatusUnauthorized:
		code = ExitDenied
	case http.StatusConflict:
		code = ExitConflict
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		code = ExitUnavailable
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		code = ExitUsage
	}
	return &Refusal{code: code, text: p.Detail, Hint: p.Hint}
}
