package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"hpfriends/api"
	"hpfriends/internal/load"
	"hpfriends/internal/proc"
	"hpfriends/internal/timespec"
	"hpfriends/web/pages"
)

// askers are who asks.
var askers = []struct {
	user int
	name string
}{
	{fewUser, "a member"}, {wideUser, "one of 500 shares"}, {headUser, "one of a group of 10,000"}, {rootUser, "an admin"},
}

// benchPages asks for every page, and for what the API lists, in a large world, as people of several kinds.
func benchPages(ctx context.Context, b *bench) ([]figure, error) {
	only, err := regexp.Compile(b.only)
	if err != nil {
		return nil, fmt.Errorf("--only: %w", err)
	}
	begin := time.Now()
	if err := b.inhabit(ctx, large); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "pages: the world was made in %v\n", time.Since(begin).Round(time.Second))
	if err := b.rest(ctx); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "pages: its server was at rest after %v\n", time.Since(begin).Round(time.Second))
	q, err := b.questions(ctx)
	if err != nil {
		return nil, err
	}
	var all []figure
	for _, who := range askers {
		for _, address := range q {
			if !only.MatchString(address) {
				continue
			}
			asked, err := b.ask(ctx, person(who.user), address)
			if err != nil {
				return nil, fmt.Errorf("%s as %s: %w", address, who.name, err)
			}
			figures := asked.figures(who.name, address)
			fmt.Fprintf(os.Stderr, "%6.0f ms  %s\n", figures[0].Value, figures[0].Name)
			all = append(all, figures...)
		}
	}
	return all, nil
}

// inhabit restarts the server on a world, which it makes unless there is one.
func (b *bench) inhabit(ctx context.Context, z size) error {
	if err := b.Stop(); err != nil {
		return err
	}
	dir := cmp.Or(b.world, b.Dir)
	if _, err := os.Stat(filepath.Join(dir, "log")); b.world == "" || errors.Is(err, os.ErrNotExist) {
		if err := errors.Join(os.MkdirAll(dir, 0o700), z.fill(ctx, dir)); err != nil {
			return err
		}
	}
	p, err := proc.Start(ctx, dir, b.env(""))
	if err != nil {
		return err
	}
	b.Server = p
	all, err := api.ListChannels.All(ctx, b.API.As(person(rootUser)), api.ChannelsQuery{})
	if err == nil && len(all) < z.publishers*z.each {
		err = b.publish(ctx, z)
	}
	return err
}

// rest waits until the server has noted what is new in its log: it then takes next to nothing of a processor.
func (b *bench) rest(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for last := time.Duration(0); ; {
		now, err := b.CPU()
		if err != nil {
			return err
		}
		if last > 0 && now-last < 50*time.Millisecond {
			return nil
		}
		last = now
		if err := timespec.Sleep(ctx, 2*time.Second); err != nil {
			return fmt.Errorf("the server does not come to rest: %w", err)
		}
	}
}

// publish has each publisher send its part of the messages, on its channels in turn.
func (b *bench) publish(ctx context.Context, z size) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := load.NewCrew(cancel)
	for i := range z.publishers {
		key := load.KeyOf(person(i))
		c, err := load.Login(ctx, b.Address, key)
		if err != nil {
			return errors.Join(err, g.End())
		}
		g.Run(c, func() error {
			return publish(c, key.Ident, func(n int) string { return channel(i, n%z.each) }, i, z.messages/z.publishers)
		})
	}
	g.Wait()
	return g.End()
}

// questions are the addresses that are asked: of every page, and of the API's lists.
func (b *bench) questions(ctx context.Context) ([]string, error) {
	shares, err := api.ListShares.All(ctx, b.API.As(person(wideUser)), api.SharesQuery{})
	if err != nil || len(shares) == 0 {
		return nil, errors.Join(err, errors.New("there are no shares"))
	}
	line, err := b.API.As(person(fewUser)).Do(ctx, "GET", "/api/v1/messages?channel=*&limit=1", nil)
	if err != nil {
		return nil, err
	}
	var message struct{ Position string }
	if err := json.NewDecoder(bytes.NewReader(line)).Decode(&message); err != nil || message.Position == "" {
		return nil, fmt.Errorf("there are no messages: %q: %w", line, err)
	}
	var all []string
	known := addresses(fmt.Sprint(shares[0].ID), strings.TrimPrefix(message.Position, "#"))
	for _, path := range pages.Paths() {
		if known[path] == nil {
			return nil, fmt.Errorf("the page %s is not asked for: give it an address", path)
		}
		all = append(all, known[path]...)
	}
	return append(all, lists...), nil
}

// addresses are of pages, by the paths that routes have.
func addresses(share, message string) map[string][]string {
	key := url.QueryEscape(load.KeyOf(person(fewUser)).Ident)
	why := "from=" + person(fewUser) + "&to=" + person(fewUser+1) + "&channel=" + channel(fewUser, 0)
	return map[string][]string{
		"/": {"/"}, "/shares": {"/shares", "/shares?add=1", "/shares?at=%23150000"}, "/shares/{share}": {"/shares/" + share},
		"/incoming":       {"/incoming"},
		"/shares/reach":   {"/shares/reach?channel=site03.*&to=group:everyone&type=all"},
		"/authkeys":       {"/authkeys"},
		"/authkey":        {"/authkey?ident=" + key},
		"/connect":        {"/connect"},
		"/logs":           {"/logs", "/logs?channel=forbidden7"},
		"/groups":         {"/groups", "/groups?at=%23200000"},
		"/groups/{group}": {"/groups/" + largeGroup, "/groups/everyone"},
		"/search": {"/search", "/search?q=sensor07", "/search?q=user0004", "/search?q=nothing-like-it",
			"/search?q=192.0.2.200"},
		"/why":             {"/why?" + why},
		"/live":            {"/live", "/live?channel=site03.*"},
		"/history":         {"/history", "/history?channel=site03.*", "/history?text=nothing-like-it"},
		"/jump":            {"/jump?q=user0004", "/jump?q=sensor07"},
		"/history/replays": {"/history/replays"},
		"/map":             {"/map"},
		"/graph":           {"/graph", "/graph?" + why},
		"/m/{position}":    {"/m/" + message},
		"/audit":           {"/audit", "/audit?op=share.*", "/audit?user=" + person(fewUser)},
		"/audit/{index}":   {"/audit/100000"},
		"/audit/diff":      {"/audit/diff?from=2m"},
		"/audit/access":    {"/audit/access?channel=" + channel(fewUser, 0)},
		"/admin":           {"/admin", "/admin?q=777"},
		"/cluster":         {"/cluster"},
		"/connections":     {"/connections"},
		"/help":            {"/help"},
		"/help/{topic}":    {"/help/history"},
		"/api":             {"/api"},
		"/api/{group}":     {"/api/shares"},
		"/account":         {"/account"}, "/preferences": {"/preferences"},
	}
}

// lists are those of the API, and what else costs.
var lists = []string{
	"/api/v1/audit", "/api/v1/audit?order=oldest", "/api/v1/authkeys", "/api/v1/channels", "/api/v1/channels/top",
	"/api/v1/channels/rates?channel=*&since=1h", "/api/v1/messages/histogram?channel=*&since=1h", "/api/v1/groups",
	"/api/v1/logs", "/api/v1/shares", "/api/v1/shares?in=true", "/api/v1/users", "/api/v1/stats", "/api/v1/cursors",
	"/api/v1/explain?from=" + person(fewUser) + "&to=" + person(headUser) + "&channel=" + channel(fewUser, 0),
	"/api/v1/search?q=sensor07", "/api/v1/audit/access?channel=" + channel(fewUser, 0),
}

// asked is how one question was answered, again and again.
type asked struct {
	times         []time.Duration
	processor     time.Duration // of the server, for all
	bytes, packed int
	refused       int // the status; 0: it was not
}

// A question is asked so many times, or for so long.
const (
	maxAsked = 100
	askedFor = time.Second
)

func (b *bench) ask(ctx context.Context, as, address string) (a asked, err error) {
	client := b.API.As(as)
	before, err := b.CPU()
	if err != nil {
		return a, err
	}
	defer func() {
		after, failed := b.CPU()
		a.processor, err = after-before, errors.Join(err, failed)
	}()
	for begin := time.Now(); len(a.times) < maxAsked && (len(a.times) == 0 || time.Since(begin) < askedFor); {
		at := time.Now()
		body, err := client.Do(ctx, "GET", address, nil)
		a.times = append(a.times, time.Since(at))
		problem, refused := errors.AsType[*api.Problem](err)
		switch {
		case refused && (problem.Status == 403 || problem.Status == 404 || problem.Status == 409):
			a.refused = problem.Status
		case err != nil:
			return a, err
		case a.bytes == 0:
			if a.bytes, a.packed = len(body), packed(body); err != nil {
				return a, err
			}
		}
	}
	return a, nil
}

// packed is how many bytes are sent of a page.
func packed(body []byte) int {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body)
	_ = z.Close()
	return b.Len()
}

// figures are what is held against the targets; what else is known is told beside.
func (a *asked) figures(who, address string) []figure {
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	first := a.times[0]
	slices.Sort(a.times)
	name := fmt.Sprintf("%s as %s", address, who)
	if a.refused != 0 {
		name += fmt.Sprintf(", refused (%d)", a.refused)
	}
	p50 := ms(a.times[len(a.times)/2])
	each := ms(a.processor) / float64(len(a.times))
	all := []figure{{
		Name: fmt.Sprintf("%s, p99 (p50 %.1f, first %.1f, processor %.1f ms)", name, p50, ms(first), each), Unit: "ms",
		Value: ms(a.times[len(a.times)*99/100]), Target: 100, AtMost: true,
	}}
	if !strings.HasPrefix(address, api.Base) {
		all = append(all, figure{Name: fmt.Sprintf("%s, compressed of %d KiB", name, a.bytes>>10), Unit: "KiB",
			Value: float64(a.packed) / 1024, Target: 60, AtMost: true})
	}
	return all
}
