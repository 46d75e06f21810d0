package browser

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// watch remembers what a page does that it should not, and whether it waits for the server.
type watch struct {
	host string // the only one that may be asked

	mu         sync.Mutex
	complaints []string
	waiting    map[network.RequestID]cdp.LoaderID // requests without their answer; streams do not count
	changed    time.Time                          // when waiting last did
}

// event takes each event of the tab, on the goroutine that reads them.
func (w *watch) event(e any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := e.(type) {
	case *network.EventRequestWillBeSent:
		w.asks(e.Request.URL)
		w.begins(e)
	case *network.EventWebSocketCreated:
		w.asks(e.URL)
	case *network.EventResponseReceived:
		if strings.HasPrefix(e.Response.MimeType, "text/event-stream") {
			w.ends(e.RequestID)
		}
	case *network.EventLoadingFinished:
		w.ends(e.RequestID)
	case *network.EventLoadingFailed:
		w.ends(e.RequestID)
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" { // what another page has asked for matters no more
			maps.DeleteFunc(w.waiting, func(_ network.RequestID, l cdp.LoaderID) bool { return l != e.Frame.LoaderID })
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		w.complain("exception: %s", text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			w.complain("console: %s %s", e.Type, spoken(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			w.complain("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		w.issue(e.Issue)
	}
}

func (w *watch) complain(format string, args ...any) {
	w.complaints = append(w.complaints, fmt.Sprintf(format, args...))
}

// asks complains of a request that leaves for another host.
func (w *watch) asks(address string) {
	u, err := url.Parse(address)
	if err != nil {
		w.complain("request for %q: %v", address, err)
		return
	}
	switch u.Scheme {
	case "http", "https", "ws", "wss":
		if u.Host != w.host {
			w.complain("request to another host: %s", address)
		}
	}
}

func (w *watch) begins(e *network.EventRequestWillBeSent) {
	if e.Type == network.ResourceTypeEventSource || strings.HasPrefix(e.Request.URL, "data:") {
		return
	}
	w.waiting[e.RequestID] = e.LoaderID
	w.changed = time.Now()
}

func (w *watch) ends(id network.RequestID) {
	delete(w.waiting, id)
	w.changed = time.Now()
}

// issue complains of what the browser would show in its own list.
func (w *watch) issue(i *audits.InspectorIssue) {
	if d := i.Details.ContentSecurityPolicyIssueDetails; d != nil {
		w.complain("Content-Security-Policy: %s refuses %s", d.ViolatedDirective, d.BlockedURL)
		return
	}
	if d := i.Details.GenericIssueDetails; d != nil {
		w.complain("issue: %s %s", d.ErrorType, d.ViolatingNodeAttribute)
		return
	}
	if i.Code != audits.InspectorIssueCodeCookieIssue {
		w.complain("issue: %s", i.Code)
	}
}

// begin has quiet begin anew.
func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed = time.Now()
}

// quiet reports whether nothing has been asked or answered for that long, and nothing is open.
func (w *watch) quiet(long time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting) == 0 && time.Since(w.changed) >= long
}

// take returns the complaints so far, and forgets them.
func (w *watch) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.complaints
	w.complaints = nil
	return all
}

// spoken is what was handed to the console.
func spoken(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		if a.Description != "" {
			words = append(words, a.Description)
		} else {
			words = append(words, string(a.Value))
		}
	}
	return strings.Join(words, " ")
}

// forgive forgets the complaints that say all of this.
func (w *watch) forgive(parts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complaints = slices.DeleteFunc(w.complaints, func(c string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(c, part) })
	})
}
