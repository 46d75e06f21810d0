package program

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"

	"hpfriends/internal/datadir"
	"hpfriends/internal/proc"
)

// socketClient is an HTTP client on the local socket of a server.
func socketClient(p *proc.Process) *http.Client {
	var d net.Dialer
	path := filepath.Join(p.Dir, datadir.Socket)
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // a client for each call
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", path)
		},
	}}
}

// call asks the API as a program without package api would: as a user, or as the operator when as is empty.
func call(ctx context.Context, p *proc.Process, method, path, as string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://hpfriends"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if as != "" {
		req.Header.Set("X-Hpfriends-As", as)
	}
	res, err := socketClient(p).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		var problem bytes.Buffer
		_, _ = problem.ReadFrom(res.Body)
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, problem.String())
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}
