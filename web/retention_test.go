package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpfriends/graph"
	"hpfriends/query/view"
)

// retaining is a world with a retention of its own.
type retaining struct {
	*world
	now *view.Retention
}

func (r retaining) Retention() view.Retention { return *r.now }

// Whoever vouches for the clock, or for what goes at once, has seen it, and says so.
func TestAcceptingRetentionThroughThePages(t *testing.T) {
	w := newWorld(t)
	c := w.server.Config
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	trusted := view.Retention{Clock: at, Now: at, Trusted: true, SizeBytes: 50 << 30, Warnings: []string{"damaged blocks"}}
	now := trusted
	c.Changer, c.Metrics = retaining{w, &now}, prometheus.NewRegistry()
	w.server = New(c)
	w.tcp, w.socket = w.server.Handler(), w.server.SocketHandler()
	w.users("root")
	form := func(sure string, ahead, until int64) (int, string) {
		return w.submit("root", "/cluster", "do", "accept", "sure", sure, "ahead", fmt.Sprint(ahead),
			"until", fmt.Sprint(until))
	}
	for name, tt := range map[string]struct {
		now          view.Retention
		sure         string
		ahead, until int64
		says         []string
	}{
		"a clock that is doubted": {view.Retention{Clock: at, Now: at.Add(-time.Hour)}, "2026-11-28", 3600, 0,
			[]string{"kept for ever", "clock is doubted", "Type 2026-11-28"}},
		"a removal that waits": {view.Retention{Clock: at, Now: at, Trusted: true, AgeSeconds: 86400, SizeBytes: 50 << 30,
			Waiting: &view.Removal{Oldest: at.AddDate(0, -2, 0), Until: at.AddDate(0, 0, -7), Seconds: 7200}}, "2026-11-21",
			0, at.AddDate(0, 0, -7).Unix(), []string{"kept for 24 h, and up to 50.0 GiB", "more than usual, go in 2 h",
				"All messages from 2026-09-28 12:00:00 to 2026-11-21 12:00:00 go", "Type 2026-11-21"}},
	} {
		now = tt.now
		if _, html := w.page("root", "/cluster"); !says(html, tt.says...) || !strings.Contains(html, fmt.Sprintf(
			`name="ahead" value="%d"`, tt.ahead)) || !strings.Contains(html, fmt.Sprintf(`name="until" value="%d"`, tt.until)) {
			t.Errorf("%s: %s", name, text(html))
		}
		before := w.newest().Index()
		for _, wrong := range []func() (int, string){
			func() (int, string) { return form("", tt.ahead, tt.until) },
			func() (int, string) { return form("2026-11-27", tt.ahead, tt.until) },
			func() (int, string) { return form(tt.sure, tt.ahead+90, tt.until) },
			func() (int, string) { return form(tt.sure, tt.ahead, tt.until+60) },
			func() (int, string) { return w.submit("root", "/cluster", "do", "accept", "sure", tt.sure) },
		} {
			if status, html := wrong(); status == http.StatusOK || w.newest().Index() != before {
				t.Errorf("%s: %d %s", name, status, text(html))
			}
		}
		status, html := form(tt.sure, tt.ahead+2, tt.until)
		if _, ok := w.last.Op.(graph.AcceptRetention); !ok || status != http.StatusOK || w.newest().Index() == before {
			t.Errorf("%s: %d %s", name, status, text(html))
		}
	}
	now = trusted // and something else is warned of
	if _, html := w.page("root", "/cluster"); !says(html, "Messages are kept up to 50.0 GiB") || says(html, "for ever") ||
		strings.Contains(html, `value="accept"`) {
		t.Error(text(html))
	}
	if status, html := form("2026-11-28", 0, 0); status != http.StatusConflict {
		t.Errorf("there is nothing to accept: %d %s", status, text(html))
	}
}
