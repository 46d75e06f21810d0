package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/runtime"

	"hpfriends/internal/load"
	"hpfriends/internal/payload"
	"hpfriends/internal/timespec"
	"hpfriends/wire"
)

// liveRate is how many messages a second Live takes.
const liveRate = 1000

// Live takes 1,000 messages a second, and neither the server nor the browser grows meanwhile. HPFRIENDS_LIVE_SOAK says
// for how long; without it, the test looks for a moment whether all arrive.
func TestLiveTakesAThousandASecond(t *testing.T) {
	long := 5 * time.Second
	if text := os.Getenv("HPFRIENDS_LIVE_SOAK"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	b, w := Start(t), Empty(t)
	befriend(t, w)
	p := w.Tab(t, b, "")
	p.Login("bob", Password)
	p.Open("/live?channel=test.flood")
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	sent := make(chan int, 1)
	go func() { sent <- flood(ctx, t, w) }() // ends with ctx

	var sizes []size
	for begin := time.Now(); timespec.Sleep(ctx, long/20) == nil; {
		s := measure(p, w)
		sizes = append(sizes, s)
		t.Logf("%6s: %7d arrived; server %3.0f MiB, of which %3.0f MiB are live on its heap, page %4.1f MiB",
			time.Since(begin).Round(time.Second), s.arrived, s.server/(1<<20), s.heap/(1<<20), s.page/(1<<20))
	}
	total := <-sent
	err := p.until(func() error {
		if n := arrived(p); n != total {
			return fmt.Errorf("%d arrived of %d", n, total)
		}
		return nil
	})
	if err != nil {
		p.fail(err)
	}
	t.Logf("%d messages in %v, %.0f a second, and all arrived", total, long, float64(total)/long.Seconds())
	p.Click("button", "Pause")
	rows, err := evaluate[[][2]string](p, liveRows)
	p.must(rows, err)
	for i, row := range rows {
		if !strings.Contains(row[1], fmt.Sprintf(`"%d"`, total-1-i)) {
			t.Fatalf("row %d of %d is not of message %d: %s", i, len(rows), total-1-i, row[1])
		}
	}
	if len(rows) != 200 {
		t.Errorf("%d rows are drawn", len(rows))
	}
	if long < time.Minute {
		return // nothing has settled
	}
	if rate := float64(total) / long.Seconds(); rate < 0.95*liveRate {
		t.Errorf("%.0f messages a second were published: the machine was too busy", rate)
	}
	settled, last := sizes[len(sizes)/4], sizes[len(sizes)-1]
	if last.page > 1.25*settled.page+2<<20 {
		t.Errorf("the page grows: from %.0f to %.0f bytes", settled.page, last.page)
	}
	if last.server > 1.25*settled.server+32<<20 {
		t.Errorf("the server grows: from %.0f to %.0f bytes", settled.server, last.server)
	}
	if last.heap > 1.25*settled.heap+4<<20 {
		t.Errorf("the server's heap grows: from %.0f to %.0f bytes", settled.heap, last.heap)
	}
}

// size is what the two ends hold, in bytes.
type size struct {
	arrived            int
	server, heap, page float64
}

func measure(p *Tab, w *World) (s size) {
	p.t.Helper()
	p.must(call(p, heapprofiler.CollectGarbage, cdp.Empty{}))
	heap, err := call(p, runtime.GetHeapUsage, cdp.Empty{})
	p.must(heap, err)
	rss, err := w.process.RSS()
	p.must(rss, err)
	return size{arrived(p), rss, live(p, w), heap.UsedSize}
}

// live is what the server's last garbage collection has left on its heap: the next begins when that has doubled.
func live(p *Tab, w *World) float64 {
	p.t.Helper()
	res, err := http.Get(w.URL + "/metrics")
	p.must(res, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	p.must(text, err)
	m := regexp.MustCompile(`(?m)^go_memstats_next_gc_bytes (\S+)$`).FindSubmatch(text)
	if m == nil {
		p.t.Fatalf("the server tells nothing of its heap: %s", text)
	}
	next, err := strconv.ParseFloat(string(m[1]), 64)
	p.must(next, err)
	return next / 2
}

// arrived is what the page says.
func arrived(p *Tab) int {
	p.t.Helper()
	m := regexp.MustCompile(`^([\d\s\x{202f}\x{a0}]+) arrived`).FindStringSubmatch(p.Read("#live-count"))
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(strings.Join(regexp.MustCompile(`\d+`).FindAllString(m[1], -1), ""))
	p.must(n, err)
	return n
}

// flood publishes until ctx is done, and returns how many messages.
func flood(ctx context.Context, t *testing.T, w *World) (n int) {
	k := load.KeyOf("ada")
	c, err := load.Login(ctx, w.Hpfeeds, k)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer c.Close()
	events := payload.Honeypot(20_000, 400)
	const each = 20
	tick := time.NewTicker(time.Second * each / liveRate)
	defer tick.Stop()
	for begin := time.Now(); ; {
		select {
		case <-ctx.Done():
			return n
		case <-tick.C:
		}
		var out []byte
		for due := int(time.Since(begin).Seconds() * liveRate); n < due; n++ { // the machine may have been busy
			event := fmt.Appendf(nil, `{"seq":"%d",%s`, n, events[n%len(events)][1:])
			out = wire.AppendPublish(out, k.Ident, "test.flood", event)
		}
		if _, err := c.Write(out); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
			return n
		}
	}
}
