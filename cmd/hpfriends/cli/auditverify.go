package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
	"hpfriends/query"
)

// verification is one line of the server's answer: how far it is, or the result.
type verification struct {
	Done  *uint64 `json:"done,omitempty"`
	Total uint64  `json:"total,omitempty"`

	OK *bool `json:"ok,omitempty"`
	query.AuditSummary
	Fault *struct {
		Index  uint64 `json:"index"`
		Kind   string `json:"kind"`
		Reason string `json:"reason"`
	} `json:"fault,omitempty"`

	Detail string `json:"detail,omitempty"` // of an error
}

func verifyAudit(c *cli.Context, api *cmdline.Client) error {
	if _, err := cmdline.Args(c); err != nil {
		return err
	}
	patient := *api.HTTP
	patient.Timeout = 0 // a long history takes its time, and says so
	api.HTTP = &patient
	res, err := api.Send(c.Context, api.HTTP, "GET", cmdline.APIBase+"/audit/verify?progress=true", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	bar := term.NewProgress(c.App.ErrWriter, "events", 0)
	defer bar.Clear()
	for dec := json.NewDecoder(res.Body); ; {
		var v verification
		if err := dec.Decode(&v); err != nil {
			return api.Failed(c.Context, err)
		}
		switch {
		case v.Done != nil:
			bar.Reach(*v.Done, v.Total)
			continue
		case v.OK == nil:
			return cmdline.Fail(cmdline.ExitFailed, v.Detail)
		}
		bar.Clear()
		return verdict(c, v)
	}
}

func verdict(c *cli.Context, v verification) error {
	err := cmdline.Show(c, v, func(w io.Writer) {
		if v.Fault != nil {
			fmt.Fprintf(w, "the first event that is wrong is #%d: %s: %s\n", v.Fault.Index, term.Visible(v.Fault.Kind), term.Visible(v.Fault.Reason))
			return
		}
		fmt.Fprintf(w, "%d events are as they were written, in their order and without a gap\n", v.Events)
		fmt.Fprintf(w, "newest   %s  %s\nhash     %s\n", v.Position, term.Time(v.Time), v.Hash)
		fmt.Fprintf(w, "compared with %d entries of the log, %d refused changes and %d stored graphs\n", v.Compared, v.Refused, v.StoredGraphs)
	})
	if err == nil && v.Fault != nil {
		err = cmdline.Fail(cmdline.ExitFailed, "")
	}
	return err
}

// tailAudit asks the server once a second whether there is a new change, and for the changes only if there is.
func tailAudit(c *cli.Context, api *cmdline.Client) error {
	if _, err := cmdline.Args(c); err != nil {
		return err
	}
	q, err := auditFilter(c)
	if err != nil {
		return err
	}
	q.Set("order", "oldest")
	seen, known := uint64(0), c.IsSet("since")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		var status struct{ Index uint64 }
		if err := api.Call(c.Context, "GET", "/status", nil, &status); err != nil {
			return err
		}
		if known && status.Index > seen {
			if seen, err = printFrom(c, api, q, seen); err != nil {
				return err
			}
		}
		seen, known = max(seen, status.Index), true
		select {
		case <-tick.C:
		case <-c.Context.Done():
			return c.Context.Err()
		}
	}
}

// printFrom prints the events behind an index and returns the index of the last.
func printFrom(c *cli.Context, api *cmdline.Client, q url.Values, after uint64) (last uint64, err error) {
	last = after
	if after > 0 {
		q.Set("after", fmt.Sprint(after))
	}
	for path := cmdline.APIBase + "/audit?" + q.Encode(); path != ""; {
		var part []query.AuditEvent
		if path, err = api.Do(c.Context, "GET", path, nil, &part); err != nil {
			return last, err
		}
		for _, e := range part {
			if err := printEvent(c, e); err != nil {
				return last, err
			}
			last = e.Index
		}
	}
	return last, nil
}

func printEvent(c *cli.Context, e query.AuditEvent) error {
	if c.Bool("json") {
		return term.WriteJSON(c.App.Writer, e)
	}
	_, err := fmt.Fprintf(c.App.Writer, "%s  %s  %s  %s  %s  %s\n", term.Time(e.Time), e.Position, term.Visible(e.By), term.Visible(e.Op), term.Visible(objectName(e.Object)), term.Visible(briefly(e.Changes)))
	return err
}
